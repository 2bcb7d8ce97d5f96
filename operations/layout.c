/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/layout.h"

#include "base/text.h"

#include <stdlib.h>

bool member_takes_column(enum member_kind kind)
{
    return kind != MEMBER_OPEN && kind != MEMBER_OPEN_IF && kind != MEMBER_CLOSE &&
           kind != MEMBER_ISSUED;
}

static bool always_alike(const struct operation *operation)
{
    for (size_t i = 0; i < operation->member_count; i++) {
        enum member_kind kind = operation->members[i].kind;
        if (kind == MEMBER_OPEN_IF || kind == MEMBER_PLAIN_IF || kind == MEMBER_KEY ||
            kind == MEMBER_ISSUED)
            return false;
    }
    return operation->member_count > 0 && operation->member_count <= LAYOUT_COLUMNS_MAX;
}

static void layout_write(struct layout *layout, const struct operation *operation)
{
    struct text text = {0};
    bool first = true;
    size_t from = 0;
    layout->pieces = calloc(operation->member_count + 1, sizeof *layout->pieces);
    if (!layout->pieces)
        abort();
    text_add_char(&text, '{');
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        if (member->kind == MEMBER_CLOSE) {
            text_add_char(&text, '}');
            first = false;
            continue;
        }
        if (!first)
            text_add_char(&text, ',');
        text_add_quoted(&text, member->name, strlen(member->name));
        text_add_char(&text, ':');
        first = member->kind == MEMBER_OPEN;
        if (first) {
            text_add_char(&text, '{');
            continue;
        }
        layout->pieces[layout->columns++] = (struct piece){text.length - from, member->kind};
        from = text.length;
    }
    text_add_char(&text, '}');
    layout->pieces[layout->columns].length = text.length - from;
    memset(text_room(&text, PIECE_PAD), 0, PIECE_PAD);
    layout->length = text.length + PIECE_PAD;
    layout->text = text.bytes; /* kept */
}

void layouts_write(const struct operation *const *operations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (operations[i]->layout && !operations[i]->layout->text && always_alike(operations[i]))
            layout_write(operations[i]->layout, operations[i]);
}
