/* SPDX-License-Identifier: Apache-2.0 */
#include "db/batch.h"

#include <stdlib.h>
#include <string.h>

enum { UUID_LENGTH = 36, KEY_MAX = 80 };

const struct statement batch_lock = {.name = "batch_lock",
                                     .text =
                                         "SELECT * FROM onramp.batch_lock($1,$2,$3,$4,$5,$6,$7)",
                                     .lane = LANE_WRITE,
                                     .parameter_count = BATCH_LISTS};

void batch_begin(struct batch *batch)
{
    batch->locks = false;
    for (int i = 0; i < BATCH_LISTS; i++)
        batch->lists[i].length = 0;
}

static bool is_uuid(const char *text)
{
    return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdef-") == UUID_LENGTH;
}

static bool is_key(const char *text)
{
    size_t length = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");
    return length > 0 && length <= KEY_MAX && text[length] == '\0';
}

/* Whatever else it is, it must not end the array literal that it is put into. */
static bool can_be_listed(enum lock_kind locks, const char *text)
{
    return locks == LOCK_AUTHORIZATION ? is_key(text) : is_uuid(text);
}

static void list_add(struct list *list, const char *value)
{
    size_t length = strlen(value);
    size_t room = list->length + length + 3; /* opening brace or comma, closing brace, NUL */
    if (room > list->capacity) {
        list->capacity = room * 2;
        list->text = realloc(list->text, list->capacity);
        if (list->text == NULL)
            abort();
    }
    list->text[list->length] = list->length == 0 ? '{' : ',';
    memcpy(list->text + list->length + 1, value, length);
    list->length += length + 1;
}

void batch_add(struct batch *batch, const struct query *query)
{
    const struct statement *statement = query->statement;
    for (size_t i = 0; statement->locks != NULL && i < statement->parameter_count; i++) {
        enum lock_kind locks = statement->locks[i];
        const char *value = query->values[i];
        if (locks == LOCK_NONE || value == NULL || !can_be_listed(locks, value))
            continue;
        list_add(&batch->lists[locks - LOCK_CIRCUIT], value);
        batch->locks = true;
    }
}

void batch_values(struct batch *batch, const char *values[BATCH_LISTS])
{
    for (int i = 0; i < BATCH_LISTS; i++) {
        struct list *list = &batch->lists[i];
        values[i] = "{}";
        if (list->length > 0) {
            memcpy(list->text + list->length, "}", 2);
            values[i] = list->text;
        }
    }
}

void batch_free(struct batch *batch)
{
    for (int i = 0; i < BATCH_LISTS; i++)
        free(batch->lists[i].text);
    memset(batch, 0, sizeof *batch);
}
