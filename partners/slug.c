/* SPDX-License-Identifier: Apache-2.0 */
#include "partners/slug.h"

#include <stdint.h>
#include <string.h>

/* The letters of Latin-1 Supplement and Latin Extended-A (U+00C0 to U+017F) without their accents;
 * two blanks mark a character that is no letter, ligatures become two letters. */
static const char latin[][3] = {
    "a", "a", "a",  "a",  "a", "a", "ae", "c",
    "e", "e", "e",  "e",  "i", "i", "i",  "i", /* U+00C0 */
    "d", "n", "o",  "o",  "o", "o", "o",  "",
    "o", "u", "u",  "u",  "u", "y", "th", "ss", /* U+00D0 */
    "a", "a", "a",  "a",  "a", "a", "ae", "c",
    "e", "e", "e",  "e",  "i", "i", "i",  "i", /* U+00E0 */
    "d", "n", "o",  "o",  "o", "o", "o",  "",
    "o", "u", "u",  "u",  "u", "y", "th", "y", /* U+00F0 */
    "a", "a", "a",  "a",  "a", "a", "c",  "c",
    "c", "c", "c",  "c",  "c", "c", "d",  "d", /* U+0100 */
    "d", "d", "e",  "e",  "e", "e", "e",  "e",
    "e", "e", "e",  "e",  "g", "g", "g",  "g", /* U+0110 */
    "g", "g", "g",  "g",  "h", "h", "h",  "h",
    "i", "i", "i",  "i",  "i", "i", "i",  "i", /* U+0120 */
    "i", "i", "ij", "ij", "j", "j", "k",  "k",
    "k", "l", "l",  "l",  "l", "l", "l",  "l", /* U+0130 */
    "l", "l", "l",  "n",  "n", "n", "n",  "n",
    "n", "n", "n",  "n",  "o", "o", "o",  "o", /* U+0140 */
    "o", "o", "oe", "oe", "r", "r", "r",  "r",
    "r", "r", "s",  "s",  "s", "s", "s",  "s", /* U+0150 */
    "s", "s", "t",  "t",  "t", "t", "t",  "t",
    "u", "u", "u",  "u",  "u", "u", "u",  "u", /* U+0160 */
    "u", "u", "u",  "u",  "w", "w", "y",  "y",
    "y", "z", "z",  "z",  "z", "z", "z",  "s", /* U+0170 */
};
_Static_assert(sizeof latin / sizeof *latin == 0x180 - 0xC0, "one entry a code point");

/* What a character contributes: letters and digits, or "" for a separator. *length is its size. */
static const char *contribution(const unsigned char *at, size_t *length, char single[2])
{
    unsigned char c = at[0];
    *length = 1;
    single[1] = '\0';
    if (c < 0x80) {
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        single[0] = kept ? (char)c : '\0';
        return single;
    }
    /* Two octets carry U+0080 to U+07FF (RFC 3629); all else has no letter of ours. */
    if ((c & 0xE0) == 0xC0 && (at[1] & 0xC0) == 0x80) {
        uint32_t point = ((uint32_t)(c & 0x1F) << 6) | (at[1] & 0x3F);
        *length = 2;
        if (point >= 0xC0 && point < 0x180)
            return latin[point - 0xC0];
    }
    return "";
}

bool slug_make(char out[SLUG_MAX + 1], const char *name)
{
    size_t used = 0;
    bool gap = false;
    const unsigned char *at = (const unsigned char *)name;
    while (*at) {
        size_t length;
        char single[2];
        const char *letters = contribution(at, &length, single);
        at += length;
        if (!*letters) {
            /* A combining accent (U+0300 to U+036F) belongs to the letter before it. */
            bool accent = length == 2 && (at[-2] == 0xCC || (at[-2] == 0xCD && at[-1] < 0xB0));
            gap = gap || !accent;
            continue;
        }
        size_t needed = strlen(letters) + (gap && used > 0);
        if (used + needed > SLUG_MAX)
            return false;
        if (gap && used > 0)
            out[used++] = '-';
        gap = false;
        while (*letters)
            out[used++] = *letters++;
    }
    out[used] = '\0';
    return used > 0;
}

bool slug_valid(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length <= SLUG_MAX && text[length] == '\0';
}
