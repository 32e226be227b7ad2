/* What the tests of the papers' figures share: figures made at ci scale by the command, their pages and tables looked
 * for, and their verdicts.
 *
 *     figures_made(&made, "gatys");
 *     assert_verdict(&made, "gatys/fig1", "match the Gram matrices", "holds");
 *     figures_reused("gatys");
 *     figures_free(&made);
 */
#ifndef NSTX_TESTS_FIGURES_MADE_H
#define NSTX_TESTS_FIGURES_MADE_H

#include "../cli/cli.h"

#include <cjson/cJSON.h>

typedef struct figures {
    cJSON *json;
} figures;

static inline const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsString(found)) fail_msg("there is no text %s", name);
    return found->valuestring;
}

/* Makes every figure of the paper: exit code 0, a page and a table each, a claim at least. */
static inline void figures_made(figures *out, const char *paper)
{
    nstx(0, "figure %s --scale ci -o out --json --quiet", paper);
    out->json = cJSON_Parse(said_out);
    assert_non_null(out->json);
    assert_true(cJSON_GetArraySize(out->json) > 0);
    const cJSON *figure;
    cJSON_ArrayForEach(figure, out->json)
    {
        nx_image page;
        nx_error err = {0};
        const char *picture = text_of(figure, "picture");
        if (!nx_image_load(&page, at(picture), &err)) fail_msg("%s", err.text);
        assert_true(page.width >= 400 && page.height >= 150);
        nx_image_free(&page);
        char *table = nx_format("%.*s.md", (int)strlen(picture) - 4, picture), *text;
        size_t bytes;
        if (!nx_file_read(at(table), &text, &bytes, &err)) fail_msg("%s", err.text);
        free(text);
        free(table);
        assert_true(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(figure, "claims")) > 0);
    }
}

static inline void figures_free(figures *f) { cJSON_Delete(f->json); }

/* The claim of the figure that has these words came out so. */
static inline void assert_verdict(const figures *f, const char *name, const char *words, const char *verdict)
{
    const cJSON *figure, *claim;
    cJSON_ArrayForEach(figure, f->json)
    {
        if (strcmp(text_of(figure, "figure"), name)) continue;
        cJSON_ArrayForEach(claim, cJSON_GetObjectItemCaseSensitive(figure, "claims"))
        {
            if (!strstr(text_of(claim, "claim"), words)) continue;
            if (strcmp(text_of(claim, "verdict"), verdict))
                fail_msg("%s: %s: %s, %s instead of %s", name, text_of(claim, "claim"), text_of(claim, "ours"),
                         text_of(claim, "verdict"), verdict);
            return;
        }
    }
    fail_msg("%s: no claim has the words \"%s\"", name, words);
}

/* A second time every run is used as it is. */
static inline void figures_reused(const char *paper)
{
    char *line = nx_format("cksum out/%s/ci/*.h5", paper), *before = shell(line);
    nstx(0, "figure %s --scale ci -o out --quiet", paper);
    char *after = shell(line);
    assert_string_equal(before, after);
    free(line), free(before), free(after);
}

#endif
