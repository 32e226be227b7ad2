/* Lists of words, as values of keys have them. */
#ifndef CONFIG_LIST_H
#define CONFIG_LIST_H

typedef struct config_list {
    int count;
    char **items;
} config_list;

void config_list_add(config_list *list, char *item); /* takes item over */
void config_list_free(config_list *list);            /* leaves *list empty */

/* The index of the first such item; -1: none. */
int config_list_find(const config_list *list, const char *item);

/* The parts of text between any of the separators, without blanks around them; empty parts are dropped. What stands in
 * double quotes is no separator, and keeps its quotes. */
config_list config_list_split(const char *text, const char *separators);

/* The items with the separator between them; owned by the caller. */
char *config_list_join(const config_list *list, const char *separator);

#endif
