/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/visible.h"

#include <stdint.h>

/* Separators and formats: the categories Zs, Zl, Zp and Cf of Unicode 14, in order. */
static const struct range {
    uint32_t first, last;
} unseen[] = {
    {0x0020, 0x0020},   {0x00A0, 0x00A0},   {0x00AD, 0x00AD},   {0x0600, 0x0605},
    {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},
    {0x08E2, 0x08E2},   {0x1680, 0x1680},   {0x180E, 0x180E},   {0x2000, 0x200F},
    {0x2028, 0x202F},   {0x205F, 0x2064},   {0x2066, 0x206F},   {0x3000, 0x3000},
    {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
    {0x13430, 0x13438}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0001, 0xE0001},
    {0xE0020, 0xE007F},
};

enum { RANGES = sizeof unseen / sizeof *unseen };

static bool is_unseen(uint32_t character)
{
    for (int i = 0; i < RANGES && unseen[i].first <= character; i++)
        if (character <= unseen[i].last)
            return true;
    return false;
}

/* The character at *text, past which it moves. */
static uint32_t next_character(const unsigned char **text)
{
    uint32_t first = *(*text)++;
    if (first < 0x80)
        return first;
    uint32_t character = first < 0xE0 ? first & 0x1F : first < 0xF0 ? first & 0x0F : first & 0x07;
    while ((**text & 0xC0) == 0x80)
        character = character << 6 | (*(*text)++ & 0x3F);
    return character;
}

bool has_visible(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != 0)
        if (!is_unseen(next_character(&at)))
            return true;
    return false;
}
