/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage.h"

#include <stdio.h>
#include <string.h>

extern const unsigned char usage_text[];

/* The paragraph that begins with the line's beginning, and the empty line behind it. */
static void paragraph_print(const char *beginning)
{
    const char *text = strstr((const char *)usage_text, beginning);
    if (text == NULL)
        return;
    text++; /* the line break before it */
    const char *end = strstr(text, "\n\n");
    size_t length = end != NULL ? (size_t)(end - text) + 2 : strlen(text);
    fwrite(text, 1, length, stdout);
}

void usage_print(const struct verb *verb)
{
    char beginning[64];
    if (verb == NULL) {
        fputs((const char *)usage_text, stdout);
        return;
    }
    snprintf(beginning, sizeof beginning, "\nonramp %s ", verb->name);
    paragraph_print(beginning);
    paragraph_print("\nEvery verb takes");
}
