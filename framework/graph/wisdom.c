/* Wisdom. The file: a line for each thing that must agree, a line for each answer, and the hash (XXH3, 64 bits) of all
 * that stands above it.
 *
 *     nstx wisdom 2
 *     device NAME
 *     platform NAME
 *     driver VERSION
 *     kernels cpu
 *     program VERSION (REVISION)
 *     conv 3x3, 1x64x64x64 to 1x64x64x64 = winograd 2
 *     xxh3 0123456789abcdef */
#include "graph/wisdom.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "io/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct answer {
    char question[NX_WISDOM_TEXT], text[NX_WISDOM_TEXT]; /* an empty text: asked, not measured */
} answer;

static answer *answers;
static size_t n_answers;

static answer *find(const char *question)
{
    for (size_t i = 0; i < n_answers; i++)
        if (!strcmp(answers[i].question, question)) return &answers[i];
    NX_CHECK(strlen(question) < NX_WISDOM_TEXT, "wisdom: a question too long: %s", question);
    NX_GROW(answers, n_answers);
    answers[n_answers] = (answer){{0}, {0}};
    strcpy(answers[n_answers].question, question);
    return &answers[n_answers++];
}

const char *nx_wisdom_find(const char *question)
{
    const answer *a = find(question);
    return *a->text ? a->text : NULL;
}

void nx_wisdom_set(const char *question, const char *text)
{
    NX_CHECK(!text || strlen(text) < NX_WISDOM_TEXT, "wisdom: an answer too long: %s", text);
    strcpy(find(question)->text, text ? text : "");
}

void nx_wisdom_forget(void)
{
    free(answers);
    answers = NULL;
    n_answers = 0;
}

size_t nx_wisdom_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < n_answers; i++) count += *answers[i].text != 0;
    return count;
}

size_t nx_wisdom_asked(void) { return n_answers; }
const char *nx_wisdom_question(size_t i) { return answers[i].question; }

/* ---- the file ---- */

enum { AGREE = 6, MOST = 4096 }; /* lines that must agree, answers in a file */

const char *nx_wisdom_kernels(const nx_device_info *info)
{
    static const char *const kinds[][NX_PRECISIONS] = {
        [NX_FAMILY_CPU] = {"cpu", "cpu", "cpu bf16"}, [NX_FAMILY_GPU] = {"gpu", "gpu tf32", "gpu bf16"}};
    return kinds[info->family][info->precision];
}

/* The lines that must agree. Owned by the caller. */
static char *heading(const nx_device_info *info)
{
    return nx_format("nstx wisdom 2\ndevice %s\nplatform %s\ndriver %s\nkernels %s\nprogram %s (%s)\n", info->name,
                     info->platform, info->driver, nx_wisdom_kernels(info), nx_version, nx_revision);
}

static int by_question(const void *a, const void *b)
{
    return strcmp(((const answer *)a)->question, ((const answer *)b)->question);
}

/* The answers as they stand in a file, in the order of their questions. Owned by the caller. */
static char *body(void)
{
    char *text = nx_copy_text("");
    if (n_answers) qsort(answers, n_answers, sizeof *answers, by_question);
    for (size_t i = 0; i < n_answers; i++) {
        if (!*answers[i].text) continue;
        char *longer = nx_format("%s%s = %s\n", text, answers[i].question, answers[i].text);
        free(text);
        text = longer;
    }
    return text;
}

static void sign(char out[32], const char *text, size_t bytes)
{
    sprintf(out, "xxh3 %016llx\n", (unsigned long long)XXH3_64bits(text, bytes));
}

const char *nx_wisdom_signature(void)
{
    static char signature[32];
    char *text = body();
    sign(signature, text, strlen(text));
    signature[strcspn(signature, "\n")] = 0;
    if (!*text) *signature = 0;
    free(text);
    return signature;
}

bool nx_wisdom_write(const char *path, const nx_device_info *info, nx_error *err)
{
    char signature[32], *head = heading(info), *rows = body(), *text = nx_format("%s%s", head, rows);
    sign(signature, text, strlen(text));
    char *whole = nx_format("%s%s", text, signature);
    bool ok = nx_file_write(path, whole, strlen(whole), err);
    free(head);
    free(rows);
    free(text);
    free(whole);
    return ok;
}

/* The end of the line that begins at text. */
static const char *line_end(const char *text) { return text + strcspn(text, "\n"); }

/* Whether the head of a file is what it should be; says what differs first. */
static bool agrees(const char *path, const char *text, const char *wanted, nx_error *why)
{
    for (int i = 0; i < AGREE; i++, text = line_end(text) + 1, wanted = line_end(wanted) + 1) {
        int have = (int)(line_end(text) - text), want = (int)(line_end(wanted) - wanted);
        if (have == want && !strncmp(text, wanted, (size_t)want)) continue;
        return nx_fail(why, "%s is not used: it was made with \"%.*s\", this is \"%.*s\"", path, have, text, want,
                       wanted);
    }
    return true;
}

static bool take(const char *path, const char *text, nx_error *why)
{
    for (int i = 0; i < AGREE; i++) text = line_end(text) + 1;
    for (; strncmp(text, "xxh3 ", 5); text = line_end(text) + 1) {
        char question[NX_WISDOM_TEXT], value[NX_WISDOM_TEXT];
        if (n_answers == MOST) return nx_fail(why, "%s is not used: more than %d answers", path, MOST);
        if (sscanf(text, "%95[^=\n]= %95[^\n]", question, value) != 2 || question[strlen(question) - 1] != ' ')
            return nx_fail(why, "%s is not used: \"%.*s\" is no answer", path, (int)(line_end(text) - text), text);
        question[strlen(question) - 1] = 0;
        nx_wisdom_set(question, value);
    }
    return true;
}

bool nx_wisdom_read(const char *path, const nx_device_info *info, nx_error *why)
{
    enum { SIGNATURE = 22 }; /* bytes of its line */
    char *text = NULL, signature[32] = "", *head = heading(info);
    size_t bytes = 0;
    why->text[0] = 0;
    nx_wisdom_forget();
    bool ok = nx_file_exists(path) && nx_file_read(path, &text, &bytes, why);
    if (ok && strlen(text) != bytes) ok = nx_fail(why, "%s is not used: not a text file", path);
    if (ok && bytes > SIGNATURE) sign(signature, text, bytes - SIGNATURE);
    if (ok && (bytes <= SIGNATURE || strcmp(signature, text + bytes - SIGNATURE)))
        ok = nx_fail(why, "%s is not used: its signature does not fit its text", path);
    ok = ok && agrees(path, text, head, why) && take(path, text, why);
    if (!ok) nx_wisdom_forget();
    free(text);
    free(head);
    return ok;
}
