/* A message is a series of fields: a varint that is number << 3 | kind, then by kind 0 a varint, 1 eight bytes, 2 a
 * varint and as many bytes, 5 four bytes. Numbers that repeat are fields of their own, or packed in one of kind 2. */
#include "io/onnx.h"

#include "base/memory.h"
#include "io/files.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT, EIGHT, BYTES, FOUR = 5 };

typedef struct reader {
    const char *path;
    unsigned char *bytes;
    size_t size;
    nx_onnx *model;
    nx_error *err;
} reader;

typedef struct span {
    unsigned char *at, *end;
} span;

typedef struct field {
    uint64_t number;
    int kind;
    uint64_t value; /* of VARINT, EIGHT and FOUR */
    span inside;    /* of BYTES */
} field;

/* ---- fields ---- */

static bool broken(const reader *r, const unsigned char *at, const char *what)
{
    return nx_fail(r->err, "%s: %s at byte %zu of %zu: no ONNX model, or a damaged one", r->path, what,
                   (size_t)(at - r->bytes), r->size);
}

static bool take_varint(const reader *r, span *s, uint64_t *value)
{
    *value = 0;
    for (int bits = 0; bits < 64; bits += 7) {
        if (s->at == s->end) return broken(r, s->at, "cut off");
        unsigned char byte = *s->at++;
        if (bits == 63 && byte > 1) break;
        *value |= (uint64_t)(byte & 127) << bits;
        if (byte < 128) return true;
    }
    return broken(r, s->at, "a number of more than 64 bits");
}

static bool take_fixed(const reader *r, span *s, size_t bytes, uint64_t *value)
{
    if ((size_t)(s->end - s->at) < bytes) return broken(r, s->at, "cut off");
    *value = 0;
    memcpy(value, s->at, bytes);
    s->at += bytes;
    return true;
}

static bool take_field(const reader *r, span *s, field *f)
{
    uint64_t key, bytes;
    *f = (field){0};
    if (!take_varint(r, s, &key)) return false;
    f->number = key >> 3, f->kind = (int)(key & 7);
    if (!f->number) return broken(r, s->at, "a field without a number");
    switch (f->kind) {
    case VARINT:
        return take_varint(r, s, &f->value);
    case EIGHT:
        return take_fixed(r, s, 8, &f->value);
    case FOUR:
        return take_fixed(r, s, 4, &f->value);
    case BYTES:
        if (!take_varint(r, s, &bytes)) return false;
        if (bytes > (size_t)(s->end - s->at)) return broken(r, s->at, "cut off");
        f->inside = (span){s->at, s->at + bytes};
        s->at += bytes;
        return true;
    default:
        return broken(r, s->at, "a field of no known kind");
    }
}

static bool is(const field *f, uint64_t number, int kind) { return f->number == number && f->kind == kind; }

/* The text, moved one byte back, over its length, to make room for the zero at its end. It is read once. */
static bool take_text(const reader *r, const field *f, const char **out)
{
    size_t bytes = (size_t)(f->inside.end - f->inside.at);
    char *text = (char *)f->inside.at - 1;
    if (memchr(f->inside.at, 0, bytes)) return broken(r, f->inside.at, "a zero byte in a text");
    memmove(text, f->inside.at, bytes);
    text[bytes] = 0;
    *out = text;
    return true;
}

static bool add_text(const reader *r, const field *f, const char ***texts, size_t *count)
{
    NX_GROW(*texts, *count);
    return take_text(r, f, &(*texts)[(*count)++]);
}

/* A whole number that repeats: one, or several packed. */
static bool add_wholes(const reader *r, const field *f, int64_t **wholes, size_t *count)
{
    span s = f->inside;
    uint64_t value = f->value;
    if (f->kind != VARINT && f->kind != BYTES) return broken(r, s.at, "whole numbers that are none");
    while (f->kind == VARINT || s.at < s.end) {
        if (f->kind == BYTES && !take_varint(r, &s, &value)) return false;
        NX_GROW(*wholes, *count);
        (*wholes)[(*count)++] = (int64_t)value;
        if (f->kind == VARINT) break;
    }
    return true;
}

/* ---- messages ---- */

/* The numbers of a tensor come as bytes, or as a field of their type. */
typedef struct numbers {
    span raw;
    float *reals;
    int64_t *wholes, *dims;
    size_t n_reals, n_wholes, rank;
} numbers;

static bool add_reals(const reader *r, const field *f, numbers *n)
{
    span s = f->inside;
    uint64_t value = f->value;
    if (f->kind != FOUR && f->kind != BYTES) return broken(r, s.at, "real numbers that are none");
    while (f->kind == FOUR || s.at < s.end) {
        if (f->kind == BYTES && !take_fixed(r, &s, 4, &value)) return false;
        NX_GROW(n->reals, n->n_reals);
        memcpy(&n->reals[n->n_reals++], &value, 4);
        if (f->kind == FOUR) break;
    }
    return true;
}

/* A copy, which bytes of any alignment need. NULL: there are none. */
static void *copied(const void *data, size_t bytes) { return bytes ? nx_copy(data, bytes) : NULL; }

static bool finish_tensor(const reader *r, numbers *n, nx_onnx_tensor *t)
{
    size_t raw = (size_t)(n->raw.end - n->raw.at), width = t->type == NX_ONNX_FLOAT ? sizeof(float) : sizeof(int64_t);
    if (n->rank > NX_ONNX_RANK_MAX)
        return nx_fail(r->err, "%s: %s has %zu dimensions, more than %d", r->path, t->name, n->rank, NX_ONNX_RANK_MAX);
    t->rank = (int)n->rank;
    t->count = 1;
    for (size_t i = 0; i < n->rank; i++) {
        if (n->dims[i] < 0) return nx_fail(r->err, "%s: a dimension of %s is negative", r->path, t->name);
        t->shape[i] = (size_t)n->dims[i];
        t->count = nx_times(t->count, t->shape[i]);
    }
    if (t->type != NX_ONNX_FLOAT && t->type != NX_ONNX_INT64) return true;
    size_t given = t->type == NX_ONNX_FLOAT ? n->n_reals : n->n_wholes;
    if (raw ? raw / width != t->count || raw % width : given && given != t->count)
        return nx_fail(r->err, "%s: %s has %zu numbers, and its shape asks for %zu", r->path, t->name,
                       raw ? raw / width : given, t->count);
    if (t->type == NX_ONNX_FLOAT)
        t->reals = raw ? copied(n->raw.at, raw) : copied(n->reals, n->n_reals * width);
    else
        t->wholes = raw ? copied(n->raw.at, raw) : copied(n->wholes, n->n_wholes * width);
    return true;
}

static bool read_tensor(const reader *r, span s, nx_onnx_tensor *t)
{
    numbers n = {0};
    bool fine = true;
    t->name = "";
    while (fine && s.at < s.end) {
        field f;
        fine = take_field(r, &s, &f);
        if (!fine) break;
        if (f.number == 1) fine = add_wholes(r, &f, &n.dims, &n.rank);
        if (is(&f, 2, VARINT)) t->type = f.value < 256 ? (int)f.value : 255;
        if (f.number == 4) fine = add_reals(r, &f, &n);
        if (f.number == 7) fine = add_wholes(r, &f, &n.wholes, &n.n_wholes);
        if (is(&f, 8, BYTES)) fine = take_text(r, &f, &t->name);
        if (is(&f, 9, BYTES)) n.raw = f.inside;
    }
    fine = fine && finish_tensor(r, &n, t);
    free(n.dims);
    free(n.reals);
    free(n.wholes);
    return fine;
}

static bool read_attribute(const reader *r, span s, nx_onnx_attribute *a)
{
    a->name = a->text = "";
    while (s.at < s.end) {
        field f;
        bool fine = take_field(r, &s, &f);
        if (!fine) return false;
        if (is(&f, 1, BYTES)) fine = take_text(r, &f, &a->name);
        if (is(&f, 2, FOUR)) memcpy(&a->real, &f.value, sizeof a->real);
        if (is(&f, 3, VARINT)) a->whole = (int64_t)f.value;
        if (is(&f, 4, BYTES) && !memchr(f.inside.at, 0, (size_t)(f.inside.end - f.inside.at)))
            fine = take_text(r, &f, &a->text); /* it may be bytes as well */
        if (is(&f, 5, BYTES)) {
            if (a->tensor) return broken(r, f.inside.at, "two tensors in an attribute");
            a->tensor = nx_alloc(sizeof *a->tensor);
            fine = read_tensor(r, f.inside, a->tensor);
        }
        if (f.number == 8) fine = add_wholes(r, &f, &a->wholes, &a->n_wholes);
        if (!fine) return false;
    }
    return true;
}

static bool read_node(const reader *r, span s, nx_onnx_node *n)
{
    n->op = "";
    while (s.at < s.end) {
        field f;
        bool fine = take_field(r, &s, &f);
        if (!fine) return false;
        if (is(&f, 1, BYTES)) fine = add_text(r, &f, &n->in, &n->n_in);
        if (is(&f, 2, BYTES)) fine = add_text(r, &f, &n->out, &n->n_out);
        if (is(&f, 4, BYTES)) fine = take_text(r, &f, &n->op);
        if (is(&f, 5, BYTES)) {
            NX_GROW(n->attributes, n->n_attributes);
            nx_onnx_attribute *a = &n->attributes[n->n_attributes++];
            *a = (nx_onnx_attribute){0};
            fine = read_attribute(r, f.inside, a);
        }
        if (!fine) return false;
    }
    return true;
}

/* Of an input or output the name alone: its shape is that of the picture which it was made for. */
static bool read_value(const reader *r, span s, const char ***names, size_t *count)
{
    while (s.at < s.end) {
        field f;
        if (!take_field(r, &s, &f)) return false;
        if (is(&f, 1, BYTES) && !add_text(r, &f, names, count)) return false;
    }
    return true;
}

static bool read_graph(const reader *r, span s)
{
    nx_onnx *m = r->model;
    while (s.at < s.end) {
        field f;
        bool fine = take_field(r, &s, &f);
        if (!fine) return false;
        if (m->n_nodes == NX_ONNX_MOST || m->n_tensors == NX_ONNX_MOST)
            return nx_fail(r->err, "%s: more than %d nodes or tensors", r->path, NX_ONNX_MOST);
        if (is(&f, 1, BYTES)) {
            NX_GROW(m->nodes, m->n_nodes);
            m->nodes[m->n_nodes] = (nx_onnx_node){0};
            fine = read_node(r, f.inside, &m->nodes[m->n_nodes++]);
        }
        if (is(&f, 5, BYTES)) {
            NX_GROW(m->tensors, m->n_tensors);
            m->tensors[m->n_tensors] = (nx_onnx_tensor){0};
            fine = read_tensor(r, f.inside, &m->tensors[m->n_tensors++]);
        }
        if (is(&f, 11, BYTES)) fine = read_value(r, f.inside, &m->inputs, &m->n_inputs);
        if (is(&f, 12, BYTES)) fine = read_value(r, f.inside, &m->outputs, &m->n_outputs);
        if (!fine) return false;
    }
    return true;
}

static bool read_model(const reader *r)
{
    span s = {r->bytes, r->bytes + r->size};
    while (s.at < s.end) {
        field f;
        if (!take_field(r, &s, &f)) return false;
        if (is(&f, 7, BYTES) && r->model->n_nodes) return broken(r, f.inside.at, "a second graph");
        if (is(&f, 7, BYTES) && !read_graph(r, f.inside)) return false;
    }
    return r->model->n_nodes || nx_fail(r->err, "%s: no ONNX model: there is no graph with nodes in it", r->path);
}

/* ---- the file ---- */

bool nx_onnx_open(nx_onnx **out, const char *path, nx_error *err)
{
    nx_onnx *model = nx_alloc(sizeof *model);
    size_t bytes = 0;
    bool fine = nx_file_read(path, &model->bytes, &bytes, err);
    reader r = {path, (unsigned char *)model->bytes, bytes, model, err};
    fine = fine && read_model(&r);
    *out = fine ? model : NULL;
    if (!fine) nx_onnx_free(model);
    return fine;
}

static void free_tensor(nx_onnx_tensor *t)
{
    free((void *)t->reals);
    free((void *)t->wholes);
}

static void free_node(nx_onnx_node *n)
{
    for (size_t i = 0; i < n->n_attributes; i++) {
        nx_onnx_attribute *a = &n->attributes[i];
        if (a->tensor) free_tensor(a->tensor);
        free(a->tensor);
        free(a->wholes);
    }
    free(n->attributes);
    free(n->in);
    free(n->out);
}

void nx_onnx_free(nx_onnx *model)
{
    if (!model) return;
    for (size_t i = 0; i < model->n_nodes; i++) free_node(&model->nodes[i]);
    for (size_t i = 0; i < model->n_tensors; i++) free_tensor(&model->tensors[i]);
    free(model->nodes);
    free(model->tensors);
    free(model->inputs);
    free(model->outputs);
    free(model->bytes);
    free(model);
}

const nx_onnx_attribute *nx_onnx_attribute_of(const nx_onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attributes; i++)
        if (!strcmp(node->attributes[i].name, name)) return &node->attributes[i];
    return NULL;
}

const nx_onnx_tensor *nx_onnx_find(const nx_onnx *model, const char *name)
{
    for (size_t i = 0; i < model->n_tensors; i++)
        if (!strcmp(model->tensors[i].name, name)) return &model->tensors[i];
    for (size_t i = 0; i < model->n_nodes; i++) {
        const nx_onnx_node *n = &model->nodes[i];
        const nx_onnx_attribute *value = nx_onnx_attribute_of(n, "value");
        if (!strcmp(n->op, "Constant") && n->n_out == 1 && !strcmp(n->out[0], name) && value) return value->tensor;
    }
    return NULL;
}
