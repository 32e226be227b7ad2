/* JSON from cJSON. */
#include "commands/json.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

char *json_text(const cJSON *json, bool indented)
{
    char *bytes = indented ? cJSON_Print(json) : cJSON_PrintUnformatted(json), *text = nx_text_utf8(bytes);
    free(bytes);
    return text;
}

void print_json(const cJSON *json)
{
    char *text = json_text(json, true);
    puts(text);
    free(text);
}

cJSON *attributes_json(const nx_h5 *file, const char *path)
{
    cJSON *all = cJSON_CreateObject();
    nx_h5_names names;
    if (!nx_h5_exists(file, path) || !nx_h5_attributes(file, path, &names, NULL)) return all;
    for (size_t i = 0; i < names.count; i++) {
        char *text;
        int64_t whole;
        double real;
        if (nx_h5_get_string(file, path, names.names[i], &text, NULL)) {
            cJSON_AddStringToObject(all, names.names[i], text);
            free(text);
        } else if (nx_h5_get_int(file, path, names.names[i], &whole, NULL)) {
            cJSON_AddNumberToObject(all, names.names[i], (double)whole);
        } else if (nx_h5_get_double(file, path, names.names[i], &real, NULL)) {
            cJSON_AddNumberToObject(all, names.names[i], real);
        }
    }
    nx_h5_names_free(&names);
    return all;
}
