/* SPDX-License-Identifier: Apache-2.0 */
#include "api/media_type.h"

#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* Whether the text before at, without trailing blanks, is word. */
static bool ends_word(const char *start, const char *stop, const char *word)
{
    while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    return strlen(word) == (size_t)(stop - start) &&
           strncasecmp(start, word, (size_t)(stop - start)) == 0;
}

bool media_type_is_json(const char *content_type, bool patch)
{
    const char *start = skip_space(content_type);
    const char *at = start + strcspn(start, ";");
    if (!ends_word(start, at, "application/json") &&
        !(patch && ends_word(start, at, "application/merge-patch+json")))
        return false;
    for (int seen = 0; *at == ';'; seen++) {
        start = skip_space(at + 1);
        at = start + strcspn(start, ";");
        bool utf8 =
            ends_word(start, at, "charset=utf-8") || ends_word(start, at, "charset=\"utf-8\"");
        if (!utf8 || seen > 0)
            return false;
    }
    return true;
}

/* The weight of an Accept entry in thousandths; malformed weights count as 1000. */
static int weight(const char *parameters, const char *stop)
{
    for (const char *at = parameters; at < stop; at++) {
        if (*at != ';')
            continue;
        const char *name = skip_space(at + 1);
        if ((*name != 'q' && *name != 'Q') || name[1] != '=')
            continue;
        const char *digits = name + 2;
        if (*digits != '0')
            return 1000;
        int value = 0, scale = 100;
        if (digits[1] == '.')
            for (digits += 2; *digits >= '0' && *digits <= '9' && scale > 0; digits++, scale /= 10)
                value += (*digits - '0') * scale;
        return value;
    }
    return 1000;
}

enum { NAMED = 3 };

/* The weight of type in an Accept header that is not empty, and how precisely it is named. */
static int judged(const char *accept, const char *type, int *out_precision)
{
    const char *slash = strchr(type, '/');
    size_t family = (size_t)(slash - type);
    int best = 0, precision = 0; /* the most specific entry decides */
    for (const char *at = accept; *at; at += *at == ',') {
        const char *start = skip_space(at);
        at = start + strcspn(start, ",");
        const char *stop = start + strcspn(start, ",;");
        int specific = 0;
        if (ends_word(start, stop, type))
            specific = NAMED;
        else if (strncasecmp(start, type, family + 1) == 0 &&
                 ends_word(start + family + 1, stop, "*"))
            specific = 2;
        else if (ends_word(start, stop, "*/*"))
            specific = 1;
        if (specific == 0 || specific < precision)
            continue;
        int value = weight(stop, at);
        best = specific == precision && best > value ? best : value;
        precision = specific;
    }
    *out_precision = precision;
    return best;
}

bool media_type_accepted(const char *accept, const char *type)
{
    int precision;
    return !accept || *skip_space(accept) == '\0' || judged(accept, type, &precision) > 0;
}

bool media_type_preferred(const char *accept, const char *type, const char *other)
{
    int precision, other_precision;
    if (!accept)
        return false;
    int weight_of_type = judged(accept, type, &precision);
    int weight_of_other = judged(accept, other, &other_precision);
    return precision == NAMED && weight_of_type > 0 &&
           (weight_of_type > weight_of_other ||
            (weight_of_type == weight_of_other && other_precision < NAMED));
}
