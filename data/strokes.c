/* A stroke is a ribbon that runs along a field of directions. It carries the colour found under its start; across it
 * lie bristles, each with its own load of paint, so that a stroke covers unevenly and leaves ridges. The ridges add up
 * in a height, which is lit from the upper left at the end. All work is done at twice the final size, in sRGB values:
 * painters mix by eye. */
#include "strokes.h"

#include <stdlib.h>

#include "base/memory.h"

v3 rgb(int rrggbb) { return v((rrggbb >> 16 & 255) / 255.f, (rrggbb >> 8 & 255) / 255.f, (rrggbb & 255) / 255.f); }

v3 scale_of(const int *hues, int count, float t)
{
    float at = clamp(t, 0, .9999f) * (count - 1);
    int i = (int)at;
    return mix3(rgb(hues[i]), rgb(hues[i + 1]), at - i);
}
canvas canvas_new(picture under, v3 ground, uint32_t seed)
{
    int side = under.w;
    size_t count = (size_t)side * side;
    canvas c = {.side = side, .under = under, .paint = picture_new(side, side), .seed = seed};
    c.height = nx_alloc(count * sizeof(float)), c.angle = nx_alloc(count * sizeof(float)),
    c.busy = nx_alloc(count * sizeof(float));
    c.mark = nx_alloc(count * sizeof(int));
    for (size_t i = 0; i < count; i++) c.paint.at[i] = ground;
    return c;
}

picture under_of(under_function *f, uint32_t seed, int side)
{
    picture p = picture_new(side, side);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) p.at[y * side + x] = f((x + .5f) / side, (y + .5f) / side, seed);
    return p;
}

void read_forms(canvas *c, angle_function *given)
{
    const int side = c->side;
    picture soft = picture_new(side, side);
    for (int i = 0; i < side * side; i++) {
        float g = light_of(c->under.at[i]);
        soft.at[i] = v(g, c->under.at[i].x - g, c->under.at[i].z - g);
    }
    picture_blur(&soft, 5);
    picture tensor = picture_new(side, side);
    for (int y = 1; y < side - 1; y++)
        for (int x = 1; x < side - 1; x++) {
            const v3 *s = &soft.at[y * side + x];
            v3 t = grey(0);
            for (int k = 0; k < 3; k++) {
                float gx = (&s[1].x)[k] - (&s[-1].x)[k], gy = (&s[side].x)[k] - (&s[-side].x)[k];
                t = add(t, v(gx * gx, gy * gy, gx * gy));
            }
            tensor.at[y * side + x] = t;
        }
    picture_blur(&tensor, 14);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int i = y * side + x;
            v3 t = tensor.at[i];
            float free = .5f * PI * noise2(x / 260.f, y / 260.f, c->seed + 5), strength = sqrtf(most(t.x + t.y, 0));
            float form = .5f * atan2f(2 * t.z, t.x - t.y) + .5f * PI;
            c->angle[i] = given              ? given((float)x / side, (float)y / side, c->seed)
                          : strength > .004f ? form
                                             : mix(free, form, strength / .004f);
            c->busy[i] = clamp(strength * 30, 0, 1);
        }
    picture_free(&soft);
    picture_free(&tensor);
}

static void stroke(canvas *c, float x, float y, const layer *l, nx_rng *r)
{
    const int side = c->side;
    int at = (int)y * side + (int)x, id = ++c->strokes;
    float width = l->width * side * between(r, .7f, 1.25f), run = l->length * side * between(r, .6f, 1.3f);
    v3 colour = c->under.at[at];
    float all = between(r, -1, 1) * l->jitter;
    colour = add(colour, v(all + between(r, -.7f, .7f) * l->jitter, all + between(r, -.5f, .5f) * l->jitter,
                           all + between(r, -.7f, .7f) * l->jitter));
    uint32_t bristles = nx_rng_u32(r);
    float angle = c->angle[at] + between(r, -.12f, .12f), back = run / 2;
    for (int way = 0; way < 2; way++) { /* half the length backward first, then from there forward */
        float steps = way ? run : back, direction = way ? 1 : -1, u = 0;
        for (; u < steps; u += .7f) {
            if (x < 1 || y < 1 || x >= side - 1 || y >= side - 1) break;
            int here = (int)y * side + (int)x;
            float wanted = c->angle[here], turn = wanted - angle; /* directions have no sign: the nearer half turn */
            turn -= PI * floorf(turn / PI + .5f);
            angle += clamp(turn, -.12f, .12f);
            float dx = cosf(angle), dy = sinf(angle), end = u / steps;
            if (way) {
                v3 off = sub(c->under.at[here], c->under.at[at]);
                if (u > run * .35f && dot(off, off) > .07f) break; /* the form ends here */
                float taper = sqrtf(least(1, 6 * end)) * sqrtf(least(1, 5 * (1 - end))), wide = width * .5f * taper;
                for (float s = -wide; s <= wide; s += .6f) {
                    int px = (int)(x - dy * s), py = (int)(y + dx * s);
                    if (px < 0 || py < 0 || px >= side || py >= side) continue;
                    int i = py * side + px;
                    if (c->mark[i] == id) continue;
                    c->mark[i] = id;
                    float across = s / (width * .5f),
                          hair = noise2(across * (2.5f + width * .16f), u / (run * .6f), bristles);
                    float load = hair * 1.1f + .75f - .9f * end * end - .35f * across * across;
                    float alpha = l->opaque * ramp(-.25f, .35f, load);
                    c->paint.at[i] = mix3(c->paint.at[i], add(colour, grey(.07f * hair)), alpha);
                    float ridge = (.55f + .9f * hair + .7f * ramp(.6f, .95f, fabsf(across))) * l->relief * taper;
                    c->height[i] = mix(c->height[i], c->height[i] * .3f + ridge, alpha);
                }
            }
            x += direction * dx, y += direction * dy;
            x += direction * dx * -.3f, y += direction * dy * -.3f; /* a step is .7 long */
        }
    }
}

void cover(canvas *c, const layer *layers, int count)
{
    const int side = c->side;
    nx_rng rng = nx_rng_new(c->seed, 900), *r = &rng;
    for (const layer *l = layers; l < layers + count; l++) {
        int number = (int)(l->cover / (l->width * l->length));
        for (int i = 0; i < number; i++) {
            float x = between(r, 1, side - 2), y = between(r, 1, side - 2);
            if (l->detail > 0 && nx_rng_uniform(r) > mix(1, c->busy[(int)y * side + (int)x], l->detail)) continue;
            stroke(c, x, y, l, r);
        }
    }
}

void dot_over(canvas *c, const dots *sizes, int count)
{
    const int side = c->side;
    nx_rng rng = nx_rng_new(c->seed, 901), *r = &rng;
    for (int k = 0; k < count; k++) {
        int number = (int)(sizes[k].cover * side * side / (PI * square(sizes[k].radius)));
        for (int i = 0; i < number; i++) {
            float x = between(r, 0, side - 1), y = between(r, 0, side - 1),
                  radius = sizes[k].radius * between(r, .75f, 1.2f);
            v3 meant = picture_get(&c->under, x, y);
            float g = light_of(meant), push = between(r, .9f, 2.4f);
            v3 dab = add(grey(g), mul(sub(meant, grey(g)), push));
            float kind = nx_rng_uniform(r);
            v3 spice = kind < .12f   ? v(.28f, .10f, -.22f)
                       : kind < .24f ? v(-.20f, -.02f, .30f)
                       : kind < .32f ? v(.22f, .16f, -.15f)
                                     : grey(0);
            dab = add(dab, add(mul(spice, .75f), grey(between(r, -.07f, .07f))));
            for (int py = (int)(y - radius); py <= y + radius; py++)
                for (int px = (int)(x - radius); px <= x + radius; px++) {
                    if (px < 0 || py < 0 || px >= side || py >= side) continue;
                    float d = (square(px - x) + square(py - y)) / square(radius);
                    if (d > 1) continue;
                    int at = py * side + px;
                    c->paint.at[at] = mix3(c->paint.at[at], dab, ramp(1, .7f, d) * .93f);
                    c->height[at] = mix(c->height[at], sqrtf(1 - d), ramp(1, .7f, d));
                }
        }
    }
}

picture finish(canvas *c, float relief, float weave)
{
    const int side = c->side, rim = side / 32; /* strokes do not reach the rim */
    for (int y = side - 2; y > 0; y--)
        for (int x = side - 2; x > 0; x--) {
            int i = y * side + x;
            float gx = c->height[i - 1] - c->height[i + 1], gy = c->height[i - side] - c->height[i + side];
            float cloth = weave * sinf(x * .9f) * sinf(y * .9f), lit = -(gx + gy) * relief;
            c->paint.at[i] =
                add(mul(c->paint.at[i], 1 + clamp(lit, -.35f, .45f) + cloth), grey(.10f * ramp(.22f, .8f, lit)));
        }
    picture inner = picture_new(side - 2 * rim, side - 2 * rim);
    for (int y = 0; y < inner.h; y++)
        for (int x = 0; x < inner.w; x++) inner.at[y * inner.w + x] = c->paint.at[(y + rim) * side + x + rim];
    picture p = picture_smaller(&inner, side / 2, side / 2);
    picture_free(&inner);
    picture_free(&c->under);
    picture_free(&c->paint);
    free(c->height);
    free(c->angle);
    free(c->busy);
    free(c->mark);
    return p;
}
