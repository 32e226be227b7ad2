/* What the tests of the papers' figures share: all figures of a paper made at ci scale by the command, their pages and
 * tables looked for, and what comes out of their claims.
 *
 *     static const expected told[] = {{"gatys/fig1", "match the Gram matrices", "holds"}, ...};
 *     figures_tell("gatys", "gatys", 7, told, sizeof told / sizeof *told);
 */
#ifndef NSTX_TESTS_FIGURES_MADE_H
#define NSTX_TESTS_FIGURES_MADE_H

#include "../cli/cli.h"

#include <cjson/cJSON.h>

/* How the claim of a figure that has these words comes out. */
typedef struct expected {
    const char *figure, *words, *verdict;
} expected;

static inline const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsString(found)) fail_msg("there is no text %s", name);
    return found->valuestring;
}

/* What the last `nstx figure --json` said; owned by the caller. */
static inline cJSON *figures_said(void)
{
    cJSON *json = cJSON_Parse(said_out);
    assert_non_null(json);
    return json;
}

/* A page and a table each, a claim at least. */
static inline void assert_pages(const cJSON *figures)
{
    const cJSON *figure;
    cJSON_ArrayForEach(figure, figures)
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

static inline void assert_claim(const cJSON *figures, expected e)
{
    const cJSON *figure, *claim;
    cJSON_ArrayForEach(figure, figures)
    {
        if (strcmp(text_of(figure, "figure"), e.figure)) continue;
        cJSON_ArrayForEach(claim, cJSON_GetObjectItemCaseSensitive(figure, "claims"))
        {
            if (!strstr(text_of(claim, "claim"), e.words)) continue;
            if (strcmp(text_of(claim, "verdict"), e.verdict))
                fail_msg("%s: %s: %s, %s instead of %s", e.figure, text_of(claim, "claim"), text_of(claim, "ours"),
                         text_of(claim, "verdict"), e.verdict);
            return;
        }
    }
    fail_msg("%s: no claim has the words \"%s\"", e.figure, e.words);
}

/* A second time every run is used as it is. */
static inline void figures_reused(const char *paper, const char *figures)
{
    char *line = nx_format("cksum out/%s/ci/*.h5", paper), *before = shell(line);
    nstx(0, "figure %s --scale ci -o out --quiet", figures);
    char *after = shell(line);
    assert_string_equal(before, after);
    free(line), free(before), free(after);
}

/* So many figures of the paper, which may be the name of them all, are made; the claims come out as told; nothing runs
 * twice. */
static inline void figures_tell(const char *paper, const char *figures, int count, const expected *told, size_t n_told)
{
    nstx(0, "figure %s --scale ci -o out --json --quiet", figures);
    cJSON *made = figures_said();
    assert_int_equal(cJSON_GetArraySize(made), count);
    assert_pages(made);
    for (size_t i = 0; i < n_told; i++) assert_claim(made, told[i]);
    cJSON_Delete(made);
    figures_reused(paper, figures);
}

#endif
