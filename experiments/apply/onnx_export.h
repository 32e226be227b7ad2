/* A trained generator as a model of ONNX, whole: what `nstx stylize` and `nstx sample` do with pixels and with sides
 * that are no multiples is in it.
 *
 *     generator *g;
 *     nx_protobuf_writer model;
 *     if (!generator_open(&g, "starry.model.h5", &info, &err) || !onnx_export(&model, g, &err)) ...
 *     nx_file_write("starry.onnx", model.data, model.bytes, &err);
 *     nx_protobuf_writer_free(&model);
 *
 * notes/onnx.md says what goes in and out.
 */
#ifndef APPLY_ONNX_EXPORT_H
#define APPLY_ONNX_EXPORT_H

#include "apply/generator.h"
#include "io/protobuf_writer.h"

/* The bytes of the file, the same for the same model on every device. An error names the operation that ONNX, or a
 * picture of any size, is not to be had with. g is made no pictures with before. */
bool onnx_export(nx_protobuf_writer *out, generator *g, nx_error *err);

#endif
