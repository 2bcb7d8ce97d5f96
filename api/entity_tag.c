/* SPDX-License-Identifier: Apache-2.0 */
#include "api/entity_tag.h"

#include <string.h>

/* What may stand between the quotes. */
static bool tag_octet(char c)
{
    unsigned char octet = (unsigned char)c;
    return octet == 0x21 || (octet >= 0x23 && octet != 0x7F);
}

enum tag_step entity_tag_next(const char **at, struct entity_tag *out)
{
    const char *text = *at + strspn(*at, " \t,");
    if (*text == '\0')
        return TAG_END;
    out->weak = strncmp(text, "W/", 2) == 0;
    if (out->weak)
        text += 2;
    if (*text++ != '"')
        return TAG_MALFORMED;
    out->text = text;
    while (tag_octet(*text))
        text++;
    if (*text != '"')
        return TAG_MALFORMED;
    out->length = (size_t)(text++ - out->text);
    text += strspn(text, " \t");
    if (*text != ',' && *text != '\0')
        return TAG_MALFORMED;
    *at = text;
    return TAG_FOUND;
}

bool entity_tags_any(const char *field)
{
    field += strspn(field, " \t");
    return *field == '*' && field[1 + strspn(field + 1, " \t")] == '\0';
}

bool entity_tags_hold(const char *field, const char *tag)
{
    struct entity_tag found;
    enum tag_step step;
    bool holds = false;
    if (entity_tags_any(field))
        return true;
    while ((step = entity_tag_next(&field, &found)) == TAG_FOUND)
        holds =
            holds || (found.length == strlen(tag) && strncmp(found.text, tag, found.length) == 0);
    return step == TAG_END && holds;
}
