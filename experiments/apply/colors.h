/* The colours of a stylized picture, brought back to those of the content: rows of RGB from 0 to 255.
 *
 * YUV and Lab take the lightness of the stylized picture and everything else of the content. Matching keeps the
 * stylized picture, but for a linear map of its colours that gives them the content's mean and covariance (Gatys et
 * al., "Preserving Color in Neural Artistic Style Transfer", 2016, with the symmetric square roots that they prefer):
 * it asks for the statistics of both pictures first.
 *
 *     color_statistics a = {0}, b = {0};
 *     for (int y = 0; y < height; y++) color_gather(&a, stylized[y], width), color_gather(&b, content[y], width);
 *     color_map map = color_match(&a, &b);
 *     for (int y = 0; y < height; y++) color_apply(&map, stylized[y], width);
 */
#ifndef APPLY_COLORS_H
#define APPLY_COLORS_H

#include <stddef.h>

void color_keep_yuv(float *stylized, const float *content, size_t pixels); /* Rec. 601 */
void color_keep_lab(float *stylized, const float *content, size_t pixels); /* CIELAB of sRGB under D65 */

typedef struct color_statistics {
    double count, mean[3], squares[3][3]; /* sums of products of differences from the mean */
} color_statistics;

typedef struct color_map {
    double matrix[3][3], from[3], to[3]; /* x becomes matrix (x - from) + to */
} color_map;

void color_gather(color_statistics *s, const float *rgb, size_t pixels);
color_map color_match(const color_statistics *from, const color_statistics *to);
void color_apply(const color_map *map, float *rgb, size_t pixels);

#endif
