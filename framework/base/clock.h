/* Time that only moves forward, whatever happens to the wall clock. */
#ifndef NX_BASE_CLOCK_H
#define NX_BASE_CLOCK_H

double nx_now(void); /* seconds since some moment */

/* The wall clock as ISO 8601 in UTC, "2025-01-31T12:00:00Z", in out (at least 32 bytes), which is returned. */
char *nx_date(char *out);

#endif
