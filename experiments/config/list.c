/* Lists of words. */
#include "config/list.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void config_list_add(config_list *list, char *item)
{
    NX_GROW(list->items, (size_t)list->count);
    list->items[list->count++] = item;
}

void config_list_free(config_list *list)
{
    for (int i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
    *list = (config_list){0};
}

int config_list_find(const config_list *list, const char *item)
{
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->items[i], item)) return i;
    return -1;
}

config_list config_list_split(const char *text, const char *separators)
{
    config_list list = {0};
    while (*(text += strspn(text, separators))) {
        while (isspace((unsigned char)*text) && !strchr(separators, *text)) text++;
        const char *begin = text;
        for (bool quoted = *text == '"'; *text && (quoted || !strchr(separators, *text)); text++) {
            if (*text == '\\' && quoted && text[1])
                text++;
            else if (*text == '"' && text > begin)
                quoted = false;
        }
        const char *end = text;
        while (begin < end && isspace((unsigned char)*begin)) begin++;
        while (begin < end && isspace((unsigned char)end[-1])) end--;
        if (begin < end) config_list_add(&list, nx_format("%.*s", (int)(end - begin), begin));
    }
    return list;
}

char *config_list_join(const config_list *list, const char *separator)
{
    char *text = nx_copy_text("");
    for (int i = 0; i < list->count; i++) {
        char *longer = nx_format("%s%s%s", text, i ? separator : "", list->items[i]);
        free(text);
        text = longer;
    }
    return text;
}
