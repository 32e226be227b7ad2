/* A pickle is a program for a stack: an instruction is a byte and what follows it. It pushes a value, or makes one of
 * those on top; a mark on the stack says where the items of a tuple, list or dict begin; values are kept under numbers
 * and fetched again. No recursion anywhere: values inside values are pointers, and each instruction makes at most one.
 *
 * A tensor is made of its storage, which the pickle only names, with type, key and length, and of an offset, sizes and
 * strides. The numbers of storages lie
 *     in a zip      as entries ROOT/data/KEY, beside ROOT/data.pkl, the pickle, and ROOT/byteorder
 *     before 1.6    after three pickles (1001; a dict about the machine; what was saved) and a fourth, the list of
 *                   keys: for each an int64, how many, then as many numbers. A first pickle is the magic number.
 * Files of PyTorch 0.1 and 0.2, as torchvision's VGGs are, are of the second kind; some make an empty Parameter or
 * FloatTensor, which then is given its state. */
#include "io/pth.h"

#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "io/zip.h"

#include <limits.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICKLE_MAX = 16 << 20, VALUES_MAX = 1000000 }; /* tens of thousands of tensors */
enum { NAME_MOST = 128 };                             /* of what a pickle asks for, module and name */

/* Tensors may share a storage, and each is given out whole: this often, beyond the slack. */
#define SHARED_MAX 16
#define SLACK      ((size_t)64 << 20)

/* ---- what a pickle may ask for ---- */

typedef enum role { DICT_CLASS, TENSOR_CLASS, STORAGE_CLASS, REBUILD_TENSOR, REBUILD_PARAMETER } role;

typedef struct global {
    const char *name;
    role role;
    const char *type; /* of a storage's numbers */
    size_t width;
} global;

static const global globals[] = {
    {"collections.OrderedDict", DICT_CLASS, NULL, 0},
    {"torch._utils._rebuild_tensor_v2", REBUILD_TENSOR, NULL, 0},
    {"torch._utils._rebuild_tensor", REBUILD_TENSOR, NULL, 0},
    {"torch._utils._rebuild_parameter", REBUILD_PARAMETER, NULL, 0},
    {"torch.nn.parameter.Parameter", TENSOR_CLASS, NULL, 0},
    {"torch.FloatTensor", TENSOR_CLASS, NULL, 0},
    {"torch.DoubleTensor", TENSOR_CLASS, NULL, 0},
    {"torch.HalfTensor", TENSOR_CLASS, NULL, 0},
    {"torch.LongTensor", TENSOR_CLASS, NULL, 0},
    {"torch.FloatStorage", STORAGE_CLASS, "F32", 4},
    {"torch.DoubleStorage", STORAGE_CLASS, "F64", 8},
    {"torch.HalfStorage", STORAGE_CLASS, "F16", 2},
    {"torch.BFloat16Storage", STORAGE_CLASS, "BF16", 2},
    {"torch.LongStorage", STORAGE_CLASS, "I64", 8},
    {"torch.IntStorage", STORAGE_CLASS, "I32", 4},
    {"torch.ShortStorage", STORAGE_CLASS, "I16", 2},
    {"torch.CharStorage", STORAGE_CLASS, "I8", 1},
    {"torch.ByteStorage", STORAGE_CLASS, "U8", 1},
    {"torch.BoolStorage", STORAGE_CLASS, "BOOL", 1},
};

/* ---- values ---- */

typedef struct storage {
    const char *key; /* as a text's */
    size_t length;
    const global *type;
    size_t count; /* numbers */
    size_t uses;  /* tensors that are still to be given out */
    char *unpacked;
    const char *data; /* NULL: not looked for yet */
} storage;

typedef struct tensor {
    storage *storage; /* every number lies in it */
    size_t offset, stride[NX_ARRAY_RANK_MAX];
    int rank, shape[NX_ARRAY_RANK_MAX];
    size_t count;
} tensor;

typedef enum kind { OTHER, NUMBER, TEXT, TUPLE, LIST, DICT, GLOBAL, STORAGE, TENSOR, MARK } kind;

typedef struct value {
    kind kind;            /* OTHER: None, a truth, a number with a point */
    bool seen;            /* by the search for the state dict */
    int64_t number;       /* 1: true */
    const char *text;     /* in the pickle; not ended by a zero */
    size_t length;        /* of the text */
    struct value **items; /* of a dict: key, value, key, value, ... */
    size_t count;
    const global *global;
    storage *storage;
    tensor *tensor; /* NULL: has not been given its state */
} value;

typedef struct reader {
    const unsigned char *bytes;
    size_t at, end;
    value **stack, **memo, **values;
    size_t depth, memos, count;
    storage **storages;
    size_t storages_count;
    void *by_key;         /* tsearch's tree of the storages */
    nx_zip *zip;          /* NULL: the format before 1.6 */
    char *root;           /* of the zip's entries: "archive/" */
    size_t loaded, given; /* bytes of storages and of tensors so far */
    nx_error *err;
} reader;

static bool damaged(const reader *r, const char *what)
{
    return nx_fail(r->err, "its pickle has %s at byte %zu: damaged", what, r->at);
}

static bool push(reader *r, value *v)
{
    NX_GROW(r->stack, r->depth);
    r->stack[r->depth++] = v;
    return true;
}

/* Pushes a new value; NULL after an error. */
static value *push_new(reader *r, kind kind)
{
    if (r->count == VALUES_MAX) {
        nx_fail(r->err, "its pickle has more than %d values: no state dict has so many", VALUES_MAX);
        return NULL;
    }
    value *v = nx_alloc(sizeof *v);
    v->kind = kind;
    NX_GROW(r->values, r->count);
    r->values[r->count++] = v;
    push(r, v);
    return v;
}

static bool push_number(reader *r, kind kind, int64_t number)
{
    value *v = push_new(r, kind);
    if (v) v->number = number;
    return v;
}

/* The topmost value, no mark. */
static bool pop(reader *r, value **out)
{
    if (!r->depth || r->stack[r->depth - 1]->kind == MARK) return damaged(r, "too few values on its stack");
    *out = r->stack[--r->depth];
    return true;
}

static bool top(reader *r, value **out) { return pop(r, out) && push(r, *out); }

static void append(value *to, value *item)
{
    NX_GROW(to->items, to->count);
    to->items[to->count++] = item;
}

/* The place of the first value above the topmost mark. */
static bool above_mark(const reader *r, size_t *first)
{
    for (*first = r->depth; *first; --*first)
        if (r->stack[*first - 1]->kind == MARK) return true;
    return damaged(r, "no mark on its stack");
}

/* ---- bytes ---- */

/* The next ones; NULL after an error: there are not so many. */
static const unsigned char *next(reader *r, size_t bytes)
{
    if (bytes > r->end - r->at) {
        nx_fail(r->err, "its pickle is cut off at byte %zu", r->at);
        return NULL;
    }
    r->at += bytes;
    return r->bytes + r->at - bytes;
}

/* A whole number of that many bytes, the least first. */
static bool take_number(reader *r, size_t bytes, bool negative, int64_t *out)
{
    uint64_t bits = 0;
    if (bytes > sizeof bits) return damaged(r, "a number of more than 64 bits");
    const unsigned char *at = next(r, bytes);
    if (!at) return false;
    for (size_t i = bytes; i-- > 0;) bits = bits << 8 | at[i];
    if (negative && bytes && bytes < sizeof bits && at[bytes - 1] & 0x80) bits |= ~(uint64_t)0 << 8 * bytes;
    memcpy(out, &bits, sizeof bits);
    return true;
}

/* A text after its length. */
static bool push_text(reader *r, size_t length_bytes)
{
    int64_t length = 0;
    if (!take_number(r, length_bytes, false, &length)) return false;
    const unsigned char *at = next(r, (size_t)length);
    value *v = at ? push_new(r, TEXT) : NULL;
    if (!v) return false;
    v->text = (const char *)at, v->length = (size_t)length;
    return true;
}

static bool is_text(const value *v, const char *text)
{
    return v->kind == TEXT && v->length == strlen(text) && !memcmp(v->text, text, v->length);
}

/* ---- names ---- */

static bool push_global(reader *r, const char *module, size_t module_length, const char *name, size_t length)
{
    char whole[2 * NAME_MOST];
    snprintf(whole, sizeof whole, "%.*s.%.*s", (int)(module_length < NAME_MOST ? module_length : NAME_MOST), module,
             (int)(length < NAME_MOST ? length : NAME_MOST), name);
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (strcmp(whole, globals[i].name)) continue;
        value *v = push_new(r, GLOBAL);
        if (v) v->global = &globals[i];
        return v;
    }
    return nx_fail(r->err, "its pickle asks for %s, which is not a tensor: refused", whole);
}

/* Two lines, a module and a name in it. */
static bool read_global(reader *r)
{
    const char *line[2];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        line[i] = (const char *)r->bytes + r->at;
        const char *end = memchr(line[i], '\n', r->end - r->at);
        if (!end) return nx_fail(r->err, "its pickle is cut off at byte %zu", r->at);
        length[i] = (size_t)(end - line[i]);
        r->at += length[i] + 1;
    }
    return push_global(r, line[0], length[0], line[1], length[1]);
}

static bool stack_global(reader *r)
{
    value *name, *module;
    if (!pop(r, &name) || !pop(r, &module)) return false;
    if (name->kind != TEXT || module->kind != TEXT) return damaged(r, "a name that is no text");
    return push_global(r, module->text, module->length, name->text, name->length);
}

/* ---- tuples, lists and dicts ---- */

/* Moves what lies on the stack from place `first` on into the value. */
static void move_items(reader *r, value *to, size_t first)
{
    for (size_t i = first; i < r->depth; i++) append(to, r->stack[i]);
    r->depth = first;
}

/* Of the topmost `count` values. */
static bool push_tuple(reader *r, size_t count)
{
    value *v, *item;
    for (size_t i = 0; i < count; i++)
        if (!pop(r, &item)) return false;
    size_t first = r->depth; /* the values are still there, above the stack's end */
    value *kept[3] = {NULL};
    if (count) memcpy(kept, r->stack + first, count * sizeof *kept);
    if (!(v = push_new(r, TUPLE))) return false;
    for (size_t i = 0; i < count; i++) append(v, kept[i]);
    return true;
}

static bool push_marked_tuple(reader *r)
{
    size_t first;
    value *v;
    if (!above_mark(r, &first) || !(v = push_new(r, TUPLE))) return false;
    r->depth--; /* v itself */
    move_items(r, v, first);
    r->stack[r->depth - 1] = v; /* in the mark's place */
    return true;
}

/* Gives the values from place `first` on to the dict or list below, without the mark if there is one between. */
static bool add_items(reader *r, kind kind, size_t first, bool marked)
{
    size_t below = first - marked;
    if (!below || r->stack[below - 1]->kind != kind || (kind == DICT && (r->depth - first) % 2))
        return damaged(r, kind == DICT ? "items of no dict" : "items of no list");
    move_items(r, r->stack[below - 1], first);
    r->depth = below;
    return true;
}

static bool add_marked(reader *r, kind kind)
{
    size_t first;
    return above_mark(r, &first) && add_items(r, kind, first, true);
}

static bool add_few(reader *r, kind kind, size_t count)
{
    for (size_t i = 1; i <= count; i++)
        if (r->depth < i || r->stack[r->depth - i]->kind == MARK) return damaged(r, "too few values on its stack");
    return add_items(r, kind, r->depth - count, false);
}

/* ---- kept values ---- */

/* They are numbered in the order in which they are kept. */
static bool keep(reader *r, size_t number)
{
    value *v;
    if (!top(r, &v)) return false;
    if (number > r->memos) return damaged(r, "a kept value out of order");
    if (number == r->memos) {
        NX_GROW(r->memo, r->memos);
        r->memos++;
    }
    r->memo[number] = v;
    return true;
}

static bool fetch(reader *r, size_t number)
{
    return number < r->memos ? push(r, r->memo[number]) : damaged(r, "a value that was not kept");
}

/* ---- storages and tensors ---- */

static int by_key(const void *a, const void *b)
{
    const storage *x = a, *y = b;
    size_t least = x->length < y->length ? x->length : y->length;
    int order = least ? memcmp(x->key, y->key, least) : 0;
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static storage *find_storage(const reader *r, const value *key)
{
    storage wanted = {.key = key->text, .length = key->length}, **found = tfind(&wanted, &r->by_key, by_key);
    return found ? *found : NULL;
}

/* ('storage', its class, key, device, how many numbers), and in older files None. */
static bool read_persistent(reader *r)
{
    value *v, *pid;
    if (!pop(r, &pid)) return false;
    value *const *is = pid->items;
    if (pid->kind != TUPLE || pid->count < 5 || !is_text(is[0], "storage") || is[1]->kind != GLOBAL ||
        is[1]->global->role != STORAGE_CLASS || is[2]->kind != TEXT || is[4]->kind != NUMBER || is[4]->number < 0)
        return damaged(r, "what names no storage");
    if (pid->count > 5 && is[5]->kind != OTHER)
        return nx_fail(r->err, "its pickle has a storage that is a part of another one: refused");
    storage *s = find_storage(r, is[2]);
    if (!s) {
        s = nx_alloc(sizeof *s);
        *s = (storage){
            .key = is[2]->text, .length = is[2]->length, .type = is[1]->global, .count = (size_t)is[4]->number};
        NX_GROW(r->storages, r->storages_count);
        r->storages[r->storages_count++] = s;
        NX_CHECK(tsearch(s, &r->by_key, by_key), "out of host memory");
    }
    if (s->type != is[1]->global || s->count != (size_t)is[4]->number)
        return damaged(r, "a storage of two types or lengths");
    if (!(v = push_new(r, STORAGE))) return false;
    v->storage = s;
    return true;
}

/* Gives v its tensor: (storage, offset, sizes, strides, ...). */
static bool rebuild(reader *r, value *v, const value *args)
{
    value *const *is = args->items;
    if (args->kind != TUPLE || args->count < 4 || is[0]->kind != STORAGE || is[1]->kind != NUMBER ||
        is[2]->kind != TUPLE || is[3]->kind != TUPLE || is[2]->count != is[3]->count)
        return damaged(r, "a tensor that is none");
    if (is[2]->count > NX_ARRAY_RANK_MAX)
        return nx_fail(r->err, "its pickle has a tensor of %zu dimensions; at most %d are read", is[2]->count,
                       NX_ARRAY_RANK_MAX);
    tensor t = {.storage = is[0]->storage, .offset = (size_t)is[1]->number, .rank = (int)is[2]->count, .count = 1};
    size_t last = 0, most = t.storage->count; /* last: how far the last number is from the first */
    for (int d = 0; d < t.rank; d++) {
        const value *size = is[2]->items[d], *stride = is[3]->items[d];
        if (size->kind != NUMBER || size->number < 0 || size->number > INT_MAX || stride->kind != NUMBER ||
            stride->number < 0)
            return damaged(r, "a tensor with a size or stride that cannot be");
        t.shape[d] = (int)size->number, t.stride[d] = (size_t)stride->number;
        t.count = nx_times(t.count, (size_t)t.shape[d]);
    }
    for (int d = 0; t.count && d < t.rank && last <= most; d++) {
        size_t reach = nx_times((size_t)t.shape[d] - 1, t.stride[d]);
        last = reach > most ? SIZE_MAX : last + reach;
    }
    if (is[1]->number < 0 || (t.count && (last >= most || t.offset >= most - last)))
        return damaged(r, "a tensor that does not lie in its storage");
    if (t.count > most)
        return nx_fail(r->err, "its pickle has a tensor of %zu numbers over a storage of %zu: save a copy (contiguous)",
                       t.count, most);
    v->tensor = nx_copy(&t, sizeof t);
    return true;
}

/* An empty Parameter or tensor of an old file is given its state, which may be another tensor and more. */
static bool set_state(reader *r)
{
    value *state, *v;
    if (!pop(r, &state) || !top(r, &v)) return false;
    if (v->kind == DICT && state->kind == DICT) return true; /* attributes: which versions the modules are of */
    if (v->kind != TENSOR || state->kind != TUPLE || !state->count) return damaged(r, "a state that nothing has");
    if (v->tensor) return true; /* whether it needs a gradient, and the like */
    const value *first = state->items[0];
    if (first->kind != TENSOR) return rebuild(r, v, state);
    if (!first->tensor) return damaged(r, "an empty tensor");
    v->tensor = nx_copy(first->tensor, sizeof *first->tensor);
    return true;
}

/* ---- calls ---- */

/* Python 2's ordered dicts are made of a list of pairs. */
static bool add_pairs(reader *r, value *dict, const value *pairs)
{
    if (pairs->kind != LIST) return damaged(r, "a dict of no pairs");
    for (size_t i = 0; i < pairs->count; i++) {
        const value *pair = pairs->items[i];
        if ((pair->kind != LIST && pair->kind != TUPLE) || pair->count != 2) return damaged(r, "a dict of no pairs");
        append(dict, pair->items[0]);
        append(dict, pair->items[1]);
    }
    return true;
}

/* Function or class, and the tuple of its arguments: the few that are known, done here. */
static bool call(reader *r)
{
    value *args, *f, *v;
    if (!pop(r, &args) || !pop(r, &f)) return false;
    if (args->kind != TUPLE || f->kind != GLOBAL) return damaged(r, "a call of nothing");
    const value *first = args->count ? args->items[0] : NULL;
    bool made = first && first->kind == TENSOR;
    switch (f->global->role) {
    case DICT_CLASS:
        return (v = push_new(r, DICT)) && (!first || add_pairs(r, v, first));
    case REBUILD_TENSOR:
        return (v = push_new(r, TENSOR)) && rebuild(r, v, args);
    case REBUILD_PARAMETER:
        return made ? push(r, args->items[0]) : damaged(r, "a parameter of no tensor");
    case TENSOR_CLASS:
        if (made) return push(r, args->items[0]);
        return first ? damaged(r, "a tensor of no tensor") : push_new(r, TENSOR) != NULL;
    default:
        return nx_fail(r->err, "its pickle calls %s: refused", f->global->name);
    }
}

/* ---- a pickle ---- */

/* One instruction. The names beside are Python's, from its pickletools. */
static bool step(reader *r, unsigned char code)
{
    int64_t n = 0;
    /* clang-format off */
    switch (code) {
    case 0x80: return next(r, 1) != NULL;                                            /* PROTO */
    case 0x95: return next(r, 8) != NULL;                                            /* FRAME */
    case '(': return push_new(r, MARK) != NULL;                                     /* MARK */
    case 'N': return push_new(r, OTHER) != NULL;                                    /* NONE */
    case 0x88: return push_number(r, OTHER, 1);                                     /* NEWTRUE */
    case 0x89: return push_number(r, OTHER, 0);                                     /* NEWFALSE */
    case 'G': return next(r, 8) && push_new(r, OTHER);                              /* BINFLOAT */
    case 'J': return take_number(r, 4, true, &n) && push_number(r, NUMBER, n);      /* BININT */
    case 'K': return take_number(r, 1, false, &n) && push_number(r, NUMBER, n);     /* BININT1 */
    case 'M': return take_number(r, 2, false, &n) && push_number(r, NUMBER, n);     /* BININT2 */
    case 0x8a:                                                                      /* LONG1 */
        return take_number(r, 1, false, &n) && take_number(r, (size_t)n, true, &n) && push_number(r, NUMBER, n);
    case 'X': case 'T': return push_text(r, 4);                                     /* BINUNICODE, BINSTRING */
    case 0x8c: case 'U': return push_text(r, 1);                                    /* SHORT_BINUNICODE, ..STRING */
    case ')': return push_tuple(r, 0);                                              /* EMPTY_TUPLE */
    case 0x85: case 0x86: case 0x87: return push_tuple(r, (size_t)(code - 0x84));   /* TUPLE1, 2, 3 */
    case 't': return push_marked_tuple(r);                                          /* TUPLE */
    case ']': return push_new(r, LIST) != NULL;                                     /* EMPTY_LIST */
    case 'a': return add_few(r, LIST, 1);                                           /* APPEND */
    case 'e': return add_marked(r, LIST);                                           /* APPENDS */
    case '}': return push_new(r, DICT) != NULL;                                     /* EMPTY_DICT */
    case 's': return add_few(r, DICT, 2);                                           /* SETITEM */
    case 'u': return add_marked(r, DICT);                                           /* SETITEMS */
    case 'q': return take_number(r, 1, false, &n) && keep(r, (size_t)n);            /* BINPUT */
    case 'r': return take_number(r, 4, false, &n) && keep(r, (size_t)n);            /* LONG_BINPUT */
    case 0x94: return keep(r, r->memos);                                            /* MEMOIZE */
    case 'h': return take_number(r, 1, false, &n) && fetch(r, (size_t)n);           /* BINGET */
    case 'j': return take_number(r, 4, false, &n) && fetch(r, (size_t)n);           /* LONG_BINGET */
    case 'c': return read_global(r);                                                /* GLOBAL */
    case 0x93: return stack_global(r);                                              /* STACK_GLOBAL */
    case 'Q': return read_persistent(r);                                            /* BINPERSID */
    case 'R': case 0x81: return call(r);                                            /* REDUCE, NEWOBJ */
    case 'b': return set_state(r);                                                  /* BUILD */
    default:
        return nx_fail(r->err, "its pickle has the instruction 0x%02x at byte %zu, which no state dict needs: refused",
                       code, r->at - 1);
    }
    /* clang-format on */
}

/* From r->at on to its end, which is before r->end. */
static bool read_pickle(reader *r, value **out)
{
    const unsigned char *code;
    r->memos = 0;
    while ((code = next(r, 1)) && *code != '.') { /* STOP */
        if (!step(r, *code)) return false;
        if (r->at > PICKLE_MAX)
            return nx_fail(r->err, "its pickle is longer than %d MB: no state dict's is", PICKLE_MAX >> 20);
    }
    return code && pop(r, out) && (!r->depth || damaged(r, "values left on its stack"));
}

/* ---- the state dict ---- */

typedef struct candidate {
    value *dict;
    const value *name; /* its key; NULL: the whole */
    bool known;        /* by its name */
    int level;         /* dicts around it */
    size_t tensors;
} candidate;

/* Whether x is to be taken rather than y: positive; 0: they are alike. */
static int better(const candidate *x, const candidate *y)
{
    if (x->known != y->known) return x->known ? 1 : -1;
    if (x->level != y->level) return x->level < y->level ? 1 : -1;
    return (x->tensors > y->tensors) - (x->tensors < y->tensors);
}

static bool is_known(const value *name)
{
    return name && (is_text(name, "state_dict") || is_text(name, "model_state_dict") || is_text(name, "model"));
}

/* Those of a dict that are more than a number: an accuracy is kept beside weights. */
static size_t count_tensors(const value *v)
{
    size_t tensors = 0;
    for (size_t i = 0; v->kind == DICT && i < v->count; i += 2) {
        const tensor *t = v->items[i]->kind == TEXT ? v->items[i + 1]->tensor : NULL;
        tensors += t && t->rank;
    }
    return tensors;
}

/* All values from the whole on, each once, those that are nearer first. */
static bool find_state_dict(reader *r, value *whole, value **out)
{
    candidate *queue = nx_alloc((r->count + 1) * sizeof *queue);
    size_t count = 0;
    const candidate *best = NULL, *same = NULL;
    queue[count++] = (candidate){.dict = whole};
    whole->seen = true;
    for (size_t k = 0; k < count; k++) {
        candidate *c = &queue[k];
        value *v = c->dict;
        c->tensors = count_tensors(v);
        c->known = is_known(c->name);
        int order = !c->tensors ? -1 : best ? better(c, best) : 1;
        if (order > 0) best = c, same = NULL;
        if (!order) same = c;
        for (size_t i = 0; i < v->count; i++) {
            value *item = v->items[i];
            if (item->seen || (item->kind != DICT && item->kind != LIST && item->kind != TUPLE)) continue;
            item->seen = true;
            const value *name = v->kind == DICT && i % 2 && v->items[i - 1]->kind == TEXT ? v->items[i - 1] : NULL;
            queue[count++] = (candidate){.dict = item, .name = name, .level = c->level + 1};
        }
    }
    bool ok = best && !same;
    if (!best)
        nx_fail(r->err, "there is no dict of tensors in it, as state_dict() gives one");
    else if (same)
        nx_fail(r->err, "there are two dicts of tensors in it, %.*s and %.*s: save one of them alone",
                best->name ? (int)best->name->length : 5, best->name ? best->name->text : "first",
                same->name ? (int)same->name->length : 6, same->name ? same->name->text : "second");
    if (ok) *out = best->dict;
    free(queue);
    return ok;
}

/* ---- numbers ---- */

static bool load(reader *r, storage *s)
{
    size_t wanted = nx_times(s->count, s->type->width), bytes, i;
    if (s->data) return true;
    int length = s->length < NAME_MOST ? (int)s->length : NAME_MOST;
    if (!r->zip) return nx_fail(r->err, "the numbers of storage %.*s are not in it: damaged", length, s->key);
    char *name = nx_format("%sdata/%.*s", r->root, length, s->key);
    bool ok = nx_zip_find(r->zip, name, &i) ? nx_zip_unpack(r->zip, i, &s->unpacked, &bytes, r->err)
                                            : nx_fail(r->err, "'%s' is not in it: damaged", name);
    if (ok && bytes != wanted)
        ok = nx_fail(r->err, "'%s' has %zu bytes, where %zu numbers of type %s were expected", name, bytes, s->count,
                     s->type->type);
    free(name);
    if (!ok) return false;
    r->loaded += wanted;
    s->data = s->unpacked;
    return true;
}

static bool lies_in_rows(const tensor *t)
{
    size_t rows = 1;
    for (int d = t->rank - 1; d >= 0; rows *= (size_t)t->shape[d--])
        if (t->shape[d] != 1 && t->stride[d] != rows) return false;
    return true;
}

static bool give(reader *r, const value *key, const tensor *t, nx_array_take *take, void *context)
{
    storage *s = t->storage;
    if (!load(r, s)) return false;
    nx_array a = {.type = s->type->type, .rank = t->rank, .bytes = t->count * s->type->width};
    r->given += a.bytes;
    if (r->given > SLACK + nx_times(r->loaded, SHARED_MAX))
        return nx_fail(r->err, "its tensors are the same %zu bytes again and again: refused", r->loaded);
    memcpy(a.shape, t->shape, sizeof a.shape);
    char *name = nx_format("%.*s", (int)key->length, key->text);
    void *rows = NULL;
    a.name = name;
    a.data = s->data + (t->count ? t->offset * s->type->width : 0); /* nobody checked the place of no numbers */
    bool ok = true;
    if (t->count && !lies_in_rows(t)) {
        a.data = rows = nx_array_rows(&a, t->stride);
        ok = rows || nx_fail(r->err, "tensor '%s' is too large for the memory", name);
    }
    ok = ok && take(context, &a, r->err);
    free(rows);
    free(name);
    if (!--s->uses) {
        free(s->unpacked);
        s->unpacked = NULL, s->data = NULL;
    }
    return ok;
}

static bool give_all(reader *r, value *whole, nx_array_take *take, void *context)
{
    value *dict;
    if (!find_state_dict(r, whole, &dict)) return false;
    for (size_t i = 0; i < dict->count; i += 2)
        if (dict->items[i + 1]->tensor) dict->items[i + 1]->tensor->storage->uses++;
    for (size_t i = 0; i < dict->count; i += 2) {
        const value *key = dict->items[i], *v = dict->items[i + 1];
        if (v->kind != TENSOR || key->kind != TEXT) continue;
        if (!v->tensor) return damaged(r, "an empty tensor");
        if (!give(r, key, v->tensor, take, context)) return false;
    }
    return true;
}

/* ---- in a zip ---- */

/* The one data.pkl, and what stands before it in its name. */
static bool find_pickle(const nx_zip *zip, size_t *i, char **root)
{
    static const char ending[] = "/data.pkl";
    for (*i = 0; *i < nx_zip_count(zip); ++*i) {
        const char *name = nx_zip_name(zip, *i);
        if (!name || !nx_ends_with(name, ending) || strchr(name, '/') != strrchr(name, '/')) continue;
        *root = nx_format("%.*s", (int)(strlen(name) - strlen(ending) + 1), name);
        return true;
    }
    return false;
}

/* Files of PyTorch before 2.1 do not say. */
static bool check_order(reader *r)
{
    size_t i, bytes;
    char *name = nx_format("%sbyteorder", r->root), *order = NULL;
    bool ok = !nx_zip_find(r->zip, name, &i) ||
              (nx_zip_unpack(r->zip, i, &order, &bytes, r->err) &&
               (!strcmp(order, "little") || nx_fail(r->err, "its numbers are in %.16s-endian order: refused", order)));
    free(order);
    free(name);
    return ok;
}

static bool read_zip(reader *r, char **pickle, value **whole)
{
    size_t i;
    if (!find_pickle(r->zip, &i, &r->root)) return nx_fail(r->err, "no data.pkl is in it");
    if (!check_order(r) || !nx_zip_unpack(r->zip, i, pickle, &r->end, r->err)) return false;
    r->bytes = (const unsigned char *)*pickle;
    return read_pickle(r, whole);
}

/* ---- before PyTorch 1.6 ---- */

/* The pickle of 0x1950a86a20f9469cfc6c. */
static const char magic[] = "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.";
enum { MAGIC = sizeof magic - 1, FORMAT = 1001 };

/* The fourth pickle and what follows it to the end of the file. */
static bool find_numbers(reader *r)
{
    value *keys;
    if (!read_pickle(r, &keys)) return false;
    if (keys->kind != LIST) return damaged(r, "no list of storages");
    for (size_t i = 0; i < keys->count; i++) {
        int64_t count = 0;
        storage *s = keys->items[i]->kind == TEXT ? find_storage(r, keys->items[i]) : NULL;
        if (!s || s->data) return damaged(r, "a storage that no tensor has");
        size_t bytes = nx_times(s->count, s->type->width);
        if (!take_number(r, 8, true, &count)) return false;
        if ((size_t)count != s->count || bytes > r->end - r->at)
            return nx_fail(r->err, "a storage of %zu numbers at byte %zu: damaged or truncated", s->count, r->at);
        s->data = (const char *)next(r, bytes);
        r->loaded += bytes;
    }
    return r->at == r->end || nx_fail(r->err, "%zu bytes after the last storage: damaged", r->end - r->at);
}

static bool read_old(reader *r, const char *bytes, size_t count, value **whole)
{
    value *format, *machine;
    r->bytes = (const unsigned char *)bytes, r->at = MAGIC, r->end = count;
    if (!read_pickle(r, &format) || !read_pickle(r, &machine)) return false;
    if (format->kind != NUMBER || format->number != FORMAT || machine->kind != DICT)
        return nx_fail(r->err, "not of the format %d of torch.save", FORMAT);
    for (size_t i = 0; i < machine->count; i += 2)
        if (is_text(machine->items[i], "little_endian") && !machine->items[i + 1]->number)
            return nx_fail(r->err, "its numbers are in big-endian order: refused");
    return read_pickle(r, whole) && find_numbers(r);
}

/* ---- the door ---- */

static bool is_old(const char *path)
{
    char start[MAGIC];
    FILE *file = fopen(path, "rb");
    bool old = file && fread(start, 1, MAGIC, file) == MAGIC && !memcmp(start, magic, MAGIC);
    if (file) fclose(file);
    return old;
}

bool nx_pth_is_file(const char *path)
{
    nx_zip *zip;
    char *root = NULL;
    size_t i;
    if (!nx_zip_is_file(path)) return is_old(path);
    if (!nx_zip_open(&zip, path, NULL)) return false;
    bool found = find_pickle(zip, &i, &root);
    nx_zip_close(zip);
    free(root);
    return found;
}

static void keep_it(void *storage) { (void)storage; }

static void free_reader(reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->values[i]->items);
        free(r->values[i]->tensor);
        free(r->values[i]);
    }
    tdestroy(r->by_key, keep_it);
    for (size_t i = 0; i < r->storages_count; i++) {
        free(r->storages[i]->unpacked);
        free(r->storages[i]);
    }
    free(r->storages);
    free(r->values);
    free(r->memo);
    free(r->stack);
    free(r->root);
    nx_zip_close(r->zip);
}

bool nx_pth_read(const char *path, nx_array_take *take, void *context, nx_error *err)
{
    reader r = {.err = err};
    value *whole;
    char *bytes = NULL;
    size_t count;
    bool ok = is_old(path) ? nx_file_read(path, &bytes, &count, err) : nx_zip_open(&r.zip, path, err);
    if (!ok) return false;
    ok = (r.zip ? read_zip(&r, &bytes, &whole) : read_old(&r, bytes, count, &whole)) &&
         give_all(&r, whole, take, context);
    free_reader(&r);
    free(bytes);
    return ok || nx_fail_in(err, "%s", path);
}
