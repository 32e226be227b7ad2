/* Colours. */
#include "apply/colors.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* ---- lightness of one picture, colours of the other ---- */

/* U and V are multiples of B - Y and R - Y, so a pixel keeps them where all three of its numbers change alike. */
void color_keep_yuv(float *stylized, const float *content, size_t pixels)
{
    for (size_t i = 0; i < 3 * pixels; i += 3) {
        const float *s = stylized + i, *c = content + i;
        float change = 0.299f * (s[0] - c[0]) + 0.587f * (s[1] - c[1]) + 0.114f * (s[2] - c[2]);
        for (int k = 0; k < 3; k++) stylized[i + (size_t)k] = c[k] + change;
    }
}

static const double xyz_of_rgb[3][3] = {
    {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
static const double rgb_of_xyz[3][3] = {
    {3.2404542, -1.5371385, -0.4985314}, {-0.9692660, 1.8760108, 0.0415560}, {0.0556434, -0.2040259, 1.0572252}};
static const double white[3] = {0.95047, 1, 1.08883};
static const double dark = 6. / 29; /* below, CIELAB's cube root is a line */

static double linear_of(double v)
{
    v = v < 0 ? 0 : v > 255 ? 1 : v / 255;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double stored_of(double v) { return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055); }

static void lab_of(const float *rgb, double *lab)
{
    double linear[3], f[3];
    for (int k = 0; k < 3; k++) linear[k] = linear_of((double)rgb[k]);
    for (int k = 0; k < 3; k++) {
        const double *m = xyz_of_rgb[k];
        double t = (m[0] * linear[0] + m[1] * linear[1] + m[2] * linear[2]) / white[k];
        f[k] = t > dark * dark * dark ? cbrt(t) : t / (3 * dark * dark) + 4. / 29;
    }
    lab[0] = 116 * f[1] - 16, lab[1] = 500 * (f[0] - f[1]), lab[2] = 200 * (f[1] - f[2]);
}

static void rgb_of(const double *lab, float *rgb)
{
    double y = (lab[0] + 16) / 116, f[3] = {y + lab[1] / 500, y, y - lab[2] / 200}, xyz[3];
    for (int k = 0; k < 3; k++)
        xyz[k] = white[k] * (f[k] > dark ? f[k] * f[k] * f[k] : 3 * dark * dark * (f[k] - 4. / 29));
    for (int k = 0; k < 3; k++) {
        const double *m = rgb_of_xyz[k];
        rgb[k] = (float)stored_of(m[0] * xyz[0] + m[1] * xyz[1] + m[2] * xyz[2]);
    }
}

void color_keep_lab(float *stylized, const float *content, size_t pixels)
{
    for (size_t i = 0; i < 3 * pixels; i += 3) {
        double light[3], color[3];
        lab_of(stylized + i, light);
        lab_of(content + i, color);
        color[0] = light[0];
        rgb_of(color, stylized + i);
    }
}

/* ---- matching of means and covariances ---- */

/* One pixel after the other, by Welford's formula. */
void color_gather(color_statistics *s, const float *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, rgb += 3) {
        double before[3];
        s->count++;
        for (int k = 0; k < 3; k++) {
            before[k] = (double)rgb[k] - s->mean[k];
            s->mean[k] += before[k] / s->count;
        }
        for (int k = 0; k < 3; k++)
            for (int l = 0; l < 3; l++) s->squares[k][l] += before[k] * ((double)rgb[l] - s->mean[l]);
    }
}

/* Jacobi's rotations: a becomes diagonal, the columns of v its eigenvectors. */
static void diagonalize(double a[3][3], double v[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) v[i][j] = i == j;
    for (int sweep = 0; sweep < 50; sweep++)
        for (int p = 0; p < 2; p++)
            for (int q = p + 1; q < 3; q++) {
                if (!(fabs(a[p][q]) > 1e-300)) continue;
                double angle = 0.5 * atan2(2 * a[p][q], a[q][q] - a[p][p]), c = cos(angle), s = sin(angle);
                for (int k = 0; k < 3; k++) {
                    double x = a[k][p], y = a[k][q];
                    a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
                    x = v[k][p], y = v[k][q];
                    v[k][p] = c * x - s * y, v[k][q] = s * x + c * y;
                }
                for (int k = 0; k < 3; k++) {
                    double x = a[p][k], y = a[q][k];
                    a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
                }
            }
}

/* The symmetric square root of a covariance, or its inverse; of grey pictures the least eigenvalues are lifted to a
 * hundredth of a grey level, so that there is an inverse. */
static void root_of(const color_statistics *s, bool inverse, double out[3][3])
{
    double a[3][3], v[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) a[i][j] = (s->squares[i][j] + s->squares[j][i]) / 2 / fmax(s->count, 1);
    diagonalize(a, v);
    memset(out, 0, 9 * sizeof(double));
    for (int k = 0; k < 3; k++) {
        double root = sqrt(fmax(a[k][k], 1e-4));
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) out[i][j] += v[i][k] * v[j][k] * (inverse ? 1 / root : root);
    }
}

color_map color_match(const color_statistics *from, const color_statistics *to)
{
    color_map map = {0};
    double whiten[3][3], color[3][3];
    root_of(from, true, whiten);
    root_of(to, false, color);
    for (int i = 0; i < 3; i++) {
        map.from[i] = from->mean[i], map.to[i] = to->mean[i];
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++) map.matrix[i][j] += color[i][k] * whiten[k][j];
    }
    return map;
}

void color_apply(const color_map *map, float *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, rgb += 3) {
        double x[3];
        for (int k = 0; k < 3; k++) x[k] = (double)rgb[k] - map->from[k];
        for (int k = 0; k < 3; k++) {
            const double *m = map->matrix[k];
            rgb[k] = (float)(m[0] * x[0] + m[1] * x[1] + m[2] * x[2] + map->to[k]);
        }
    }
}
