/* Every solid is a unit ball, cube or tube in its own axes, so one change of axes serves all three. The boxes form a
 * binary tree split at the median, depth first: the first child of a box is the next one. */
#include "solid.h"

#include <stdlib.h>

#include "base/memory.h"

typedef struct solid_box {
    v3 low, high;
    int first, count; /* of its solids, where it is a leaf: count > 0 */
    int second, axis; /* else the second child, and the axis along which the two lie in order */
} solid_box;

enum { LEAF_SOLIDS = 2, STACK = 64 };

void solid_frame(v3 up, v3 *side, v3 *front)
{
    *front = unit(fabsf(up.x) < .9f ? cross(v(1, 0, 0), up) : cross(cross(up, v(0, 0, 1)), up));
    *side = cross(up, *front);
}

void solids_add(solids *s, solid one)
{
    v3 up = dot(one.up, one.up) > 0 ? unit(one.up) : v(0, 1, 0);
    v3 side, front;
    solid_frame(up, &side, &front);
    float c = cosf(one.turn), n = sinf(one.turn);
    one.axis[0] = add(mul(side, c), mul(front, n));
    one.axis[1] = up;
    one.axis[2] = sub(mul(front, c), mul(side, n));
    one.to_local[0] = mul(one.axis[0], 1 / one.half.x);
    one.to_local[1] = mul(one.axis[1], 1 / one.half.y);
    one.to_local[2] = mul(one.axis[2], 1 / one.half.z);
    NX_GROW(s->items, s->count);
    s->items[s->count++] = one;
}

static v3 reach(const solid *s)
{
    v3 a = mul(s->axis[0], s->half.x), b = mul(s->axis[1], s->half.y), c = mul(s->axis[2], s->half.z);
    if (s->shape == BALL)
        return v(sqrtf(a.x * a.x + b.x * b.x + c.x * c.x), sqrtf(a.y * a.y + b.y * b.y + c.y * c.y),
                 sqrtf(a.z * a.z + b.z * b.z + c.z * c.z));
    return v(fabsf(a.x) + fabsf(b.x) + fabsf(c.x), fabsf(a.y) + fabsf(b.y) + fabsf(c.y),
             fabsf(a.z) + fabsf(b.z) + fabsf(c.z));
}

static int by_x(const void *a, const void *b)
{
    float d = ((const solid *)a)->centre.x - ((const solid *)b)->centre.x;
    return (d > 0) - (d < 0);
}
static int by_y(const void *a, const void *b)
{
    float d = ((const solid *)a)->centre.y - ((const solid *)b)->centre.y;
    return (d > 0) - (d < 0);
}
static int by_z(const void *a, const void *b)
{
    float d = ((const solid *)a)->centre.z - ((const solid *)b)->centre.z;
    return (d > 0) - (d < 0);
}

static int build(solids *s, int first, int count)
{
    solid_box box = {.low = grey(1e30f), .high = grey(-1e30f)};
    for (int i = first; i < first + count; i++) {
        v3 r = reach(&s->items[i]), c = s->items[i].centre, low = sub(c, r), high = add(c, r);
        box.low = v(least(box.low.x, low.x), least(box.low.y, low.y), least(box.low.z, low.z));
        box.high = v(most(box.high.x, high.x), most(box.high.y, high.y), most(box.high.z, high.z));
    }
    int me = s->box_count;
    NX_GROW(s->boxes, s->box_count);
    s->box_count++;
    if (count <= LEAF_SOLIDS) {
        box.first = first, box.count = count;
    } else {
        v3 size = sub(box.high, box.low);
        static int (*const by[3])(const void *, const void *) = {by_x, by_y, by_z};
        box.axis = size.x > size.y && size.x > size.z ? 0 : size.y > size.z ? 1 : 2;
        qsort(s->items + first, count, sizeof *s->items, by[box.axis]);
        build(s, first, count / 2);
        box.second = build(s, first + count / 2, count - count / 2);
    }
    s->boxes[me] = box;
    return me;
}

void solids_build(solids *s)
{
    if (s->count) build(s, 0, s->count);
}

void solids_free(solids *s)
{
    free(s->items);
    free(s->boxes);
    *s = (solids){0};
}

/* The roots of a t^2 + 2 b t + c. */
static bool roots(float a, float b, float c, float t[2])
{
    float d = b * b - a * c;
    if (d < 0 || fabsf(a) < 1e-12f) return false;
    d = sqrtf(d);
    t[0] = (-b - d) / a, t[1] = (-b + d) / a;
    return true;
}

/* Up to four crossings of the unit shape, unsorted. */
static int crossings(const solid *s, v3 o, v3 d, float t[4])
{
    if (s->shape == BALL) return roots(dot(d, d), dot(o, d), dot(o, o) - 1, t) ? 2 : 0;
    if (s->shape == BLOCK) {
        float in = -1e30f, out = 1e30f;
        for (int k = 0; k < 3; k++) {
            float ok = (&o.x)[k], dk = (&d.x)[k];
            if (fabsf(dk) < 1e-12f) {
                if (fabsf(ok) > 1) return 0;
                continue;
            }
            float a = (-1 - ok) / dk, b = (1 - ok) / dk;
            in = most(in, least(a, b)), out = least(out, most(a, b));
        }
        t[0] = in, t[1] = out;
        return in <= out ? 2 : 0;
    }
    int count = 0;
    float k = -.5f * s->taper, m = 1 + k; /* radius m + k y */
    float r = m + k * o.y, side[2];
    if (roots(d.x * d.x + d.z * d.z - square(k * d.y), o.x * d.x + o.z * d.z - k * d.y * r,
              o.x * o.x + o.z * o.z - r * r, side))
        for (int i = 0; i < 2; i++) {
            float y = o.y + side[i] * d.y;
            if (fabsf(y) <= 1 && m + k * y >= 0) t[count++] = side[i];
        }
    if (fabsf(d.y) > 1e-12f)
        for (int end = -1; end <= 1; end += 2) {
            float at = (end - o.y) / d.y, x = o.x + at * d.x, z = o.z + at * d.z;
            if (x * x + z * z <= square(m + k * end)) t[count++] = at;
        }
    return count;
}

static v3 own_normal(const solid *s, v3 p)
{
    if (s->shape == BALL) return p;
    if (s->shape == BLOCK) {
        float x = fabsf(p.x), y = fabsf(p.y), z = fabsf(p.z);
        if (x > y && x > z) return v(p.x > 0 ? 1 : -1, 0, 0);
        return y > z ? v(0, p.y > 0 ? 1 : -1, 0) : v(0, 0, p.z > 0 ? 1 : -1);
    }
    if (fabsf(p.y) > .9999f) return v(0, p.y > 0 ? 1 : -1, 0);
    return v(p.x, .5f * s->taper * sqrtf(p.x * p.x + p.z * p.z), p.z);
}

static bool missing(const solid *s, v3 world)
{
    return noise3(mul(world, 1 / s->paint.scale), 77) < 1.1f * s->holes - .55f;
}

static float nearest(const solid *s, v3 from, v3 direction, float limit)
{
    v3 q = sub(from, s->centre);
    v3 o = v(dot(s->to_local[0], q), dot(s->to_local[1], q), dot(s->to_local[2], q));
    v3 d = v(dot(s->to_local[0], direction), dot(s->to_local[1], direction), dot(s->to_local[2], direction));
    float t[4];
    int count = crossings(s, o, d, t);
    for (int i = 0; i < count; i++)
        if (t[i] > 1e-4f && t[i] < limit && !(s->holes > 0 && missing(s, along(from, direction, t[i])))) limit = t[i];
    return limit;
}

static bool enters(const solid_box *b, v3 from, v3 inverse, float limit)
{
    float in = 0, out = limit;
    for (int k = 0; k < 3; k++) {
        float a = ((&b->low.x)[k] - (&from.x)[k]) * (&inverse.x)[k],
              c = ((&b->high.x)[k] - (&from.x)[k]) * (&inverse.x)[k];
        in = most(in, least(a, c)), out = least(out, most(a, c));
    }
    return in <= out;
}

static const solid *walk(const solids *s, v3 from, v3 d, float *limit, bool any)
{
    if (!s->count) return NULL;
    v3 inverse = v(1 / (d.x + (d.x >= 0 ? 1e-9f : -1e-9f)), 1 / (d.y + (d.y >= 0 ? 1e-9f : -1e-9f)),
                   1 / (d.z + (d.z >= 0 ? 1e-9f : -1e-9f)));
    int stack[STACK], depth = 0;
    const solid *found = NULL;
    stack[depth++] = 0;
    while (depth) {
        int me = stack[--depth];
        const solid_box *box = &s->boxes[me];
        if (!enters(box, from, inverse, *limit)) continue;
        for (int i = 0; i < box->count; i++) {
            float t = nearest(&s->items[box->first + i], from, d, *limit);
            if (t < *limit) *limit = t, found = &s->items[box->first + i];
        }
        if (found && any) return found;
        if (box->count) continue;
        bool forward = (&d.x)[box->axis] > 0; /* the nearer child first */
        stack[depth++] = forward ? box->second : me + 1;
        stack[depth++] = forward ? me + 1 : box->second;
    }
    return found;
}

bool solids_hit(const solids *s, v3 from, v3 direction, float limit, hit *out)
{
    const solid *one = walk(s, from, direction, &limit, false);
    if (!one) return false;
    v3 q = sub(along(from, direction, limit), one->centre);
    v3 p = v(dot(one->to_local[0], q), dot(one->to_local[1], q), dot(one->to_local[2], q)), n = own_normal(one, p);
    v3 normal = add(add(mul(one->to_local[0], n.x), mul(one->to_local[1], n.y)), mul(one->to_local[2], n.z));
    *out = (hit){limit, unit(normal), p, one};
    return true;
}

bool solids_block(const solids *s, v3 from, v3 direction, float limit)
{
    return walk(s, from, direction, &limit, true) != NULL;
}
