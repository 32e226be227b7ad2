/* INI: inih splits lines, our reader feeds it one at a time. Knowing the line, it can refuse what inih would take in
 * silence: text after a section name, names cut short. Of a line that does not fit its buffer inih gets the key alone.
 * The value is cut out here, as inih would but for quotes, in which a semicolon begins no comment. */
#include "io/ini.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_MAX 49  /* what inih keeps of a section name */
#define LINE_FITS   190 /* bytes of a line that surely fit its buffer */

typedef struct parse {
    nx_ini *ini;
    const char *name, *at; /* the file's name; what is left of the text */
    const char *start;     /* the line that inih works on, without its indent */
    int length, line;      /* of that line */
    nx_error *err;
    int failed; /* the line of the first error; 0: none */
} parse;

#define FAIL(p, format, ...)                                                                                           \
    ((p)->failed = (p)->line, nx_fail((p)->err, "%s:%d: " format, (p)->name, (p)->line, ##__VA_ARGS__))

static bool check_section(parse *p)
{
    const char *close = memchr(p->start, ']', p->length);
    if (!close) return FAIL(p, "'%.*s': the ']' is missing", p->length, p->start);
    int length = (int)(close - p->start) - 1;
    if (length < 1) return FAIL(p, "a section without a name");
    if (length > SECTION_MAX) return FAIL(p, "a section name of %d letters: at most %d", length, SECTION_MAX);
    const char *rest = close + 1;
    while (rest < p->start + p->length && strchr(" \t\r", *rest)) rest++;
    if (rest < p->start + p->length && *rest != ';' && *rest != '#')
        return FAIL(p, "'%.*s': text after the section name", p->length, p->start);
    return true;
}

/* inih's fgets. NULL, the end, also after an error. The indent is dropped here: to inih an indented line is a
 * continuation of the value before, to our users it is an indented line. */
static char *next_line(char *out, int room, void *stream)
{
    parse *p = stream;
    if (p->failed || !*p->at) return NULL;
    p->line++;
    p->start = p->at + strspn(p->at, " \t");
    p->length = (int)strcspn(p->start, "\n");
    p->at = p->start + p->length + (p->start[p->length] == '\n');
    if (*p->start && strchr(";#", *p->start)) return strcpy(out, "\n"); /* a comment of any length */
    if (*p->start == '[' && !check_section(p)) return NULL;
    int length = p->length;
    if (length > LINE_FITS) {
        length = (int)strcspn(p->start, *p->start == '[' ? "]" : "=:") + 1;
        if (length > LINE_FITS) return FAIL(p, "'%.40s...' is neither [section] nor key = value", p->start), NULL;
    }
    NX_CHECK(length + 2 <= room, "inih takes lines of %d bytes", room);
    memcpy(out, p->start, (size_t)length);
    memcpy(out + length, "\n", 2);
    return out;
}

/* The value of the line, owned by the caller: what follows the key up to " ;", without blanks around it; a value that
 * begins with a double quote goes at least to the one that closes it (with \" and \\ before that). */
static char *value_of(const parse *p)
{
    const char *from = p->start + strcspn(p->start, "=:") + 1, *stop = p->start + p->length;
    while (from < stop && isspace((unsigned char)*from)) from++;
    const char *end = from;
    for (bool quoted = false; end < stop; end++) {
        bool first = end == from || strchr(" \t,", end[-1]);
        if (quoted && *end == '\\' && end + 1 < stop)
            end++;
        else if (*end == '"' && (quoted || first))
            quoted = !quoted;
        else if (!quoted && *end == ';' && isspace((unsigned char)end[-1]))
            break;
    }
    while (from < end && isspace((unsigned char)end[-1])) end--;
    return nx_format("%.*s", (int)(end - from), from);
}

static int take(void *user, const char *section, const char *key, const char *value)
{
    parse *p = user;
    (void)value;
    if (p->failed) return 0;
    if (!*section) return FAIL(p, "'%s' stands before the first [section]", key);
    if (!*key) return FAIL(p, "a value without a key");
    nx_ini *ini = p->ini;
    NX_GROW(ini->entries, ini->count);
    ini->entries[ini->count++] = (nx_ini_entry){
        .section = nx_copy_text(section), .key = nx_copy_text(key), .value = value_of(p), .line = p->line};
    return 1;
}

static int by_key(const void *a, const void *b)
{
    const nx_ini_entry *x = *(const nx_ini_entry *const *)a, *y = *(const nx_ini_entry *const *)b;
    int section = strcmp(x->section, y->section), key = section ? section : strcmp(x->key, y->key);
    return key ? key : x->line - y->line;
}

static bool same_key(const nx_ini_entry *a, const nx_ini_entry *b)
{
    return !strcmp(a->section, b->section) && !strcmp(a->key, b->key);
}

/* The first line that sets a key again, with that key's first line in *first; NULL if there is none. */
static const nx_ini_entry *set_twice(const nx_ini *ini, int *first)
{
    const nx_ini_entry **sorted = nx_alloc(ini->count * sizeof *sorted), *twice = NULL;
    for (size_t i = 0; i < ini->count; i++) sorted[i] = &ini->entries[i];
    if (ini->count) qsort(sorted, ini->count, sizeof *sorted, by_key);
    for (size_t i = 1, begin = 0; i < ini->count; i++) {
        if (!same_key(sorted[i], sorted[begin]))
            begin = i;
        else if (i == begin + 1 && (!twice || sorted[i]->line < twice->line))
            twice = sorted[i], *first = sorted[begin]->line;
    }
    free(sorted);
    return twice;
}

bool nx_ini_parse(nx_ini *out, const char *name, const char *text, nx_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* the byte-order mark that some editors write */
    *out = (nx_ini){0};
    if (!strncmp(text, mark, 3)) text += 3;
    if (strlen(text) > INT_MAX) return nx_fail(err, "%s: not a text file: longer than %d bytes", name, INT_MAX);
    parse p = {.ini = out, .name = name, .at = text, .err = err};
    int wrong = ini_parse_stream(next_line, &p, take, &p), first = 0;
    const nx_ini_entry *twice = set_twice(out, &first);
    if (!wrong && !p.failed && !twice) return true;
    /* The first line that is wrong is told. inih goes on after one that it does not understand. */
    if (twice && (wrong <= 0 || twice->line < wrong) && (!p.failed || twice->line < p.failed)) {
        nx_fail(err, "%s:%d: [%s] %s is set twice, first in line %d", name, twice->line, twice->section, twice->key,
                first);
    } else if (wrong > 0 && (!p.failed || wrong < p.failed)) {
        const char *line = text;
        for (int i = 1; i < wrong; i++) line = strchr(line, '\n') + 1;
        line += strspn(line, " \t");
        nx_fail(err, "%s:%d: '%.*s' is neither [section] nor key = value", name, wrong, (int)strcspn(line, "\r\n"),
                line);
    }
    nx_ini_free(out);
    return false;
}

void nx_ini_free(nx_ini *ini)
{
    if (!ini) return;
    for (size_t i = 0; i < ini->count; i++) {
        free(ini->entries[i].section);
        free(ini->entries[i].key);
        free(ini->entries[i].value);
    }
    free(ini->entries);
    *ini = (nx_ini){0};
}
