/* Around the recorded graph: sides rounded up before it and cut after it, as generator.c does; pixels of the output.
 * That the graph holds for every size is not believed but seen: it is recorded for two, and both are the same bytes. */
#include "apply/onnx_export.h"

#include "apply/onnx_graph.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "ops/random.h"
#include "runfile/own.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 128 }; /* of the first recording, at least */
enum { MODEL_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { MODEL_METADATA = 14, GRAPH_NAME = 2, OPSET_VERSION = 2, ENTRY_KEY = 1, ENTRY_VALUE = 2 };

/* ---- what comes in ---- */

/* Gives the height and width of the picture that was asked for, a vector. */
static const char *add_content(onnx_graph *o, const nx_tensor *content, const generator_facts *f)
{
    onnx_add_input(o, &(onnx_tensor){.name = "content", .channels = 3, .sizes = "", .what = "RGB from 0 to 255"});
    const char *sides = onnx_put(o, "Shape", ONNX_IN("content"), ONNX_WITH({"start", ONNX_INTEGER, .i = 2}));
    if (f->least > 1) { /* the border pixels go on below and to the right */
        const char *below = f->uneven ? onnx_integers(o, 1, (int64_t[]){0})
                                      : onnx_put(o, "Mod",
                                                 ONNX_IN(onnx_put(o, "Neg", ONNX_IN(sides), NULL),
                                                         onnx_integers(o, 1, (int64_t[]){f->multiple})),
                                                 NULL);
        if (f->uneven || f->least > f->multiple) {
            const char *least = onnx_integers(o, 1, (int64_t[]){f->least});
            below = onnx_put(o, "Max", ONNX_IN(below, onnx_put(o, "Sub", ONNX_IN(least, sides), NULL)), NULL);
        }
        const char *pads = onnx_put(o, "Concat", ONNX_IN(onnx_integers(o, 6, (int64_t[6]){0}), below),
                                    ONNX_WITH({"axis", ONNX_INTEGER, .i = 0}));
        onnx_set_value(o, content,
                       onnx_put(o, "Pad", ONNX_IN("content", pads), ONNX_WITH({"mode", ONNX_TEXT, .text = "edge"})));
    } else {
        onnx_set_value(o, content, "content");
    }
    return sides;
}

static bool is_noise(const nx_node *node) { return !strcmp(node->op->name, "random"); }

static char *describe_noise(const nx_node *node, const generator_facts *f, int height)
{
    nx_shape s = node->out[0]->shape;
    const char *kind = ((const nx_random_attr *)node->attr)->normal
                           ? "independent normal numbers of mean 0 and variance 1"
                           : "independent uniform numbers between 0 and 1";
    if (f->one_size) return nx_copy_text(kind);
    char *below = height == s.h ? nx_copy_text("") : nx_format(" / %d", height / s.h), *text,
         *least = f->least > f->multiple ? nx_format(", at least %d", f->least) : nx_copy_text("");
    if (f->texture)
        text = nx_format("%s; picture height%s by picture width%s of them, the picture's sides multiples of %d%s", kind,
                         below, below, f->multiple, least);
    else if (f->uneven)
        text = nx_format("%s; height by width of them, content's sides, at least %d", kind, f->least);
    else
        text = nx_format("%s; height%s by width%s of them, of content's sides rounded up to multiples of %d%s", kind,
                         below, below, f->multiple, least);
    free(below);
    free(least);
    return text;
}

/* "noise", or where there are several noise1, noise2, ... in the order in which they are drawn. */
static void add_noise(onnx_graph *o, const generator_facts *f, int height)
{
    size_t count = 0, number = 0;
    for (size_t i = 0; i < o->g->n_nodes; i++) count += is_noise(o->g->nodes[i]);
    for (size_t i = 0; i < o->g->n_nodes; i++) {
        const nx_node *node = o->g->nodes[i];
        if (!is_noise(node)) continue;
        nx_shape s = node->out[0]->shape;
        char *name = count == 1 ? nx_copy_text("noise") : nx_format("noise%zu", ++number),
             *sizes = f->one_size ? NULL : nx_format("%s_", name), *what = describe_noise(node, f, height);
        onnx_add_input(o, &(onnx_tensor){name, s.c, s.h, s.w, sizes, what});
        onnx_set_value(o, node->out[0], name);
        free(what);
        free(sizes);
        free(name);
    }
}

/* ---- what goes out ---- */

static void add_picture(onnx_graph *o, const generator_recording *r, const char *sides, const generator_facts *f)
{
    const model_pixels *p = &r->m->output;
    const char *y = onnx_value(o, r->output);
    if (p->order[0] == 'b')
        y = onnx_put(o, "Gather", ONNX_IN(y, onnx_integers(o, 3, (int64_t[]){2, 1, 0})),
                     ONNX_WITH({"axis", ONNX_INTEGER, .i = 1}));
    if (p->scale < 1 || p->scale > 1)
        y = onnx_put(o, "Div", ONNX_IN(y, onnx_floats(o, 0, NULL, (float[]){(float)p->scale})), NULL);
    const float mean[] = {(float)p->mean[0], (float)p->mean[1], (float)p->mean[2]};
    y = onnx_put(o, "Add", ONNX_IN(y, onnx_floats(o, 3, (int64_t[]){3, 1, 1}, mean)), NULL);
    if (sides)
        y = onnx_put(o, "Slice",
                     ONNX_IN(y, onnx_integers(o, 2, (int64_t[]){0, 0}), sides, onnx_integers(o, 2, (int64_t[]){2, 3})),
                     NULL);
    const char *least = onnx_floats(o, 0, NULL, (float[]){0}), *most = onnx_floats(o, 0, NULL, (float[]){255});
    onnx_put_as(o, "picture", "Clip", ONNX_IN(y, least, most), NULL);
    onnx_add_output(o, &(onnx_tensor){"picture", 3, r->output->shape.h, r->output->shape.w, f->one_size ? NULL : "",
                                      "RGB from 0 to 255"});
}

/* ---- the file ---- */

static void put_metadata(nx_protobuf_writer *model, const char *key, const char *value)
{
    nx_protobuf_writer entry = {0};
    char *text = nx_text_utf8(value);
    nx_protobuf_put_text(&entry, ENTRY_KEY, key);
    nx_protobuf_put_text(&entry, ENTRY_VALUE, text);
    nx_protobuf_put_message(model, MODEL_METADATA, &entry);
    free(text);
}

static void put_model(nx_protobuf_writer *out, onnx_graph *o, const model *m)
{
    nx_protobuf_writer graph = {0}, opset = {0};
    nx_protobuf_append(&graph, &o->nodes);
    nx_protobuf_put_text(&graph, GRAPH_NAME, m->network);
    nx_protobuf_append(&graph, &o->initializers);
    nx_protobuf_append(&graph, &o->inputs);
    nx_protobuf_append(&graph, &o->outputs);
    nx_protobuf_put_number(&opset, OPSET_VERSION, ONNX_OPSET);
    nx_protobuf_put_number(out, MODEL_VERSION, OWN_ONNX_VERSION);
    nx_protobuf_put_text(out, MODEL_PRODUCER, OWN_ONNX_PRODUCER);
    nx_protobuf_put_text(out, MODEL_PRODUCER_VERSION, nx_version);
    nx_protobuf_put_message(out, MODEL_GRAPH, &graph);
    nx_protobuf_put_message(out, MODEL_OPSET, &opset);
    put_metadata(out, "network", m->network);
    put_metadata(out, "options", m->options);
}

static bool export_size(nx_protobuf_writer *out, generator *g, int height, int width, nx_error *err)
{
    generator_recording r;
    generator_facts f = generator_ask(g);
    *out = (nx_protobuf_writer){0};
    if (!generator_record(g, height, width, &r, err)) return false;
    onnx_graph *o = onnx_graph_new(r.graph);
    const char *sides = r.content ? add_content(o, r.content, &f) : NULL;
    add_noise(o, &f, height);
    bool fine = onnx_record(o, err) || nx_fail_in(err, "%s", f.file);
    if (fine) {
        add_picture(o, &r, sides, &f);
        put_model(out, o, r.m);
    }
    onnx_graph_free(o);
    return fine;
}

bool onnx_export(nx_protobuf_writer *out, generator *g, nx_error *err)
{
    nx_protobuf_writer other = {0};
    generator_facts f = generator_ask(g);
    int side = f.one_size ? f.multiple : (SIDE + f.multiple - 1) / f.multiple * f.multiple;
    bool fine = export_size(out, g, side, side, err);
    if (fine && !f.one_size) {
        int more = f.uneven && !f.texture ? 1 : f.multiple;
        fine = export_size(&other, g, side + more, side + 2 * more, err);
        if (fine && (other.bytes != out->bytes || memcmp(other.data, out->data, other.bytes) != 0))
            fine = nx_fail(err, "%s: its graph is another one for each size of pictures, which ONNX has no words for",
                           f.file);
        nx_protobuf_writer_free(&other);
    }
    if (fine && out->bytes > INT_MAX)
        fine = nx_fail(err, "%s: %zu bytes, where a file of ONNX holds 2 GB at most", f.file, out->bytes);
    if (!fine) nx_protobuf_writer_free(out);
    return fine;
}
