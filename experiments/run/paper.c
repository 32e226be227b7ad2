/* What papers have in common. */
#include "run/paper.h"

#include <stdio.h>
#include <string.h>

/* "stylenet, v2 or pyramid" */
static void list_networks(const paper_network *n, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (; n->name && used < size; n++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", !used ? "" : n[1].name ? ", " : " or ", n->name);
}

bool paper_check(const paper *p, const config *c, nx_error *err)
{
    const generator_network *network = generator_network_of(c);
    char names[96];
    if (!p->trains) return !p->check || p->check(c, err);
    const paper_network *n = p->trains;
    while (n->name && strcmp(n->name, network->name)) n++;
    if (!n->name) {
        list_networks(p->trains, names, sizeof names);
        return nx_fail(err, "[generator] network: the paper %s trains %s", p->name, names);
    }
    if (n->textures && c->experiment.task != TASK_TEXTURE)
        return nx_fail(err, "[experiment] task: the paper %s trains %s for textures: task = texture", p->name, n->name);
    return (!p->check || p->check(c, err)) && (!network->check || network->check(c, err));
}

int paper_generate(const paper *p, const config *c, nx_scope *s, const generator_inputs *in, picture_loss *losses)
{
    generator_pictures y = generator_network_of(c)->record(c, s, in);
    return p->losses(c, s, &y, in->content, losses);
}

int paper_final_picture(const config *c, nx_scope *s, const generator_pictures *y, nx_tensor *content,
                        picture_loss *losses)
{
    (void)c, (void)s;
    losses[0] = (picture_loss){.output = y->output[y->count - 1], .content = content, .weight = 1, .prefix = ""};
    return 1;
}

int paper_one_style(const config *c, perceptual_style *styles)
{
    styles[0] = (perceptual_style){.path = c->data.style, .size = config_style_size(c)};
    return 1;
}
