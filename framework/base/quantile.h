/* Medians, quartiles and the other quantiles of a handful of numbers.
 *
 *     nx_sort(seconds, count);
 *     double median = nx_quantile(seconds, count, .5);
 *
 * One definition everywhere: quantile q lies at q (count - 1) from the least value on, counted from 0, and between two
 * values on the straight line that joins them (type 7 of Hyndman and Fan, what NumPy, R and spreadsheets do unasked).
 */
#ifndef NX_BASE_QUANTILE_H
#define NX_BASE_QUANTILE_H

#include <stddef.h>

/* Ascending, in place. */
void nx_sort(double *values, size_t count);

/* Of ascending values, at least one; q from 0, the least, to 1, the most. */
double nx_quantile(const double *ascending, size_t count, double q);

#endif
