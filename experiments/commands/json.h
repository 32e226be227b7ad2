/* JSON for programs that call nstx with --json, and what a file's attributes are as JSON. */
#ifndef COMMANDS_JSON_H
#define COMMANDS_JSON_H

#include "io/hdf5.h"

#include <cjson/cJSON.h>

/* The text, owned by the caller: UTF-8 whatever the names in it are, what is none being replaced (nx_text_utf8). */
char *json_text(const cJSON *json, bool indented);

/* Prints it on standard output, indented, with a newline. */
void print_json(const cJSON *json);

/* The attributes of the object at path that are a text or one number; owned by the caller. Empty if there is no such
 * object. */
cJSON *attributes_json(const nx_h5 *file, const char *path);

#endif
