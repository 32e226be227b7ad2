/* nstx weights get: the weights that have a name (config/known_weights.h), listed or fetched. Both give an exit code,
 * after a message where something is wrong. */
#ifndef COMMANDS_WEIGHTS_GET_H
#define COMMANDS_WEIGHTS_GET_H

int weights_list(void);

/* Fetches the file, or what is missing of it, and gives it its name once size and checksum are right. One that is there
 * is checked. from: the address of a folder that has the file too, in place of the known one; or NULL. */
int weights_get(const char *name, const char *from);

#endif
