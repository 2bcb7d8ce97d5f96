/* SPDX-License-Identifier: Apache-2.0 */
#include "db/each.h"

#include <stdlib.h>
#include <string.h>

static void add(struct array *array, char character)
{
    if (array->length == array->capacity) {
        array->capacity = array->capacity * 2 + 256;
        array->text = realloc(array->text, array->capacity);
        if (array->text == NULL)
            abort();
    }
    array->text[array->length++] = character;
}

/* PostgreSQL, "Array Input and Output Syntax": in quotes all but quote and backslash is itself, and
 * NULL without them is no text. */
static void add_element(struct array *array, const char *value)
{
    add(array, array->length == 0 ? '{' : ',');
    if (value == NULL) {
        for (const char *word = "NULL"; *word != '\0'; word++)
            add(array, *word);
        return;
    }
    add(array, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            add(array, '\\');
        add(array, *value);
    }
    add(array, '"');
}

const char *const *each_values(struct each *each, struct query *const *queries, size_t count)
{
    for (size_t i = 0; i < queries[0]->statement->parameter_count; i++) {
        struct array *array = &each->arrays[i];
        array->length = 0;
        for (size_t j = 0; j < count; j++)
            add_element(array, queries[j]->values[i]);
        add(array, '}');
        add(array, '\0');
        each->values[i] = array->text;
    }
    return each->values;
}

void each_free(struct each *each)
{
    for (size_t i = 0; i < STATEMENT_PARAMETERS_MAX; i++)
        free(each->arrays[i].text);
    memset(each, 0, sizeof *each);
}
