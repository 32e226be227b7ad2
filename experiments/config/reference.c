/* What the table of keys tells about itself. */
#include "config/known_weights.h"
#include "config/rows.h"

#include <string.h>

static void reference_values(FILE *out, const config_row *r)
{
    static const char *const names[] = {
        [CONFIG_FLAG] = "true or false",
        [CONFIG_TEXT] = "text",
        [CONFIG_PATH] = "path",
        [CONFIG_PATHS] = "paths, separated by commas; one that has a comma in double quotes",
        [CONFIG_LAYERS] = "layers",
        [CONFIG_NUMBERS] = "numbers, one a layer, or `mean`; empty: 1 each"};
    char range[96];
    if (r->kind == CONFIG_INT || r->kind == CONFIG_REAL) {
        config_range_text(r, range);
        fputs(range, out);
    } else if (r->kind == CONFIG_CHOICE) {
        for (size_t i = 0; r->words[i]; i++) fprintf(out, "%s`%s`", i ? ", " : "", r->words[i]);
    } else {
        fputs(names[r->kind], out);
        config_list words = config_list_split(r->kind == CONFIG_PATH ? r->specials : "", " ");
        for (int i = 0; i < words.count; i++) fprintf(out, " or `%s`", words.items[i]);
        config_list_free(&words);
        for (size_t i = 0; r->want == WANT_WEIGHTS && known_name_at(i); i++) fprintf(out, " or `%s`", known_name_at(i));
    }
}

bool config_key_at(size_t i, config_key *out)
{
    if (i >= config_row_count) return false;
    *out = (config_key){config_rows[i].section, config_rows[i].key, config_rows[i].initial, config_rows[i].text,
                        config_rows[i].words};
    return true;
}

void config_key_values(FILE *out, size_t i) { reference_values(out, &config_rows[i]); }

const char *config_section_at(size_t i, const char **name)
{
    if (i >= config_section_count) return NULL;
    *name = config_sections[i].name;
    return config_sections[i].text;
}

void config_reference(FILE *out)
{
    fputs(
        "# The keys of a config\n\n"
        "Made from the table in experiments/config/keys.h; do not edit. A config is an INI file of these sections; "
        "every key\nhas a default, and `nstx run CONFIG -s section.key=value` overrides one. Paths are looked for from "
        "the config's folder,\nthen from the working folder.\n",
        out);
    for (size_t s = 0; s < config_section_count; s++) {
        fprintf(out, "\n## [%s]\n\n%s\n", config_sections[s].name, config_sections[s].text);
        if (!strcmp(config_sections[s].name, CONFIG_SWEEP)) break;
        fputs("\n| key | default | values | meaning |\n| --- | --- | --- | --- |\n", out);
        for (size_t i = 0; i < config_row_count; i++) {
            if (strcmp(config_rows[i].section, config_sections[s].name)) continue;
            fprintf(out, "| %s | %s%s%s | ", config_rows[i].key, *config_rows[i].initial ? "`" : "",
                    config_rows[i].initial, *config_rows[i].initial ? "`" : "");
            reference_values(out, &config_rows[i]);
            fprintf(out, " | %s |\n", config_rows[i].text);
        }
    }
    fputs(
        "\nValues are separated by spaces; within a list of layers or numbers, by commas. An override of a key that is "
        "swept pins\nit: that line of the sweep is dropped.\n"
        "\n## [scale.paper], [scale.laptop], [scale.ci]\n\n"
        "One config for several sizes: the section of the [experiment] scale is applied after the rest of the file and "
        "before\noverrides. Its lines are section.key = value, and sweep.section.key = value value ... for another "
        "sweep.\n",
        out);
}
