/* SPDX-License-Identifier: Apache-2.0 */
#include "partners/offer.h"

#include "base/arena.h"
#include "operations/pointer.h"

#include <string.h>

const int bandwidths[] = {50, 100, 200, 500, 1000, 2000, 5000, 10000};
const size_t bandwidth_count = sizeof bandwidths / sizeof *bandwidths;

enum { OFFERS_MAX = 500 };

static struct reading below(const struct reading *reading, const char *member)
{
    return (struct reading){reading->faults, reading->arena,
                            pointer_below(reading->arena, reading->pointer, member)};
}

static bool bandwidth_known(json_int_t value)
{
    for (size_t i = 0; i < bandwidth_count; i++)
        if (bandwidths[i] == value)
            return true;
    return false;
}

static void bandwidths_check(const json_t *list, const struct reading *reading)
{
    if (!list) {
        fault_add(reading->faults, reading->pointer, "required",
                  "Name the bandwidths that are offered, in Mbps.");
        return;
    }
    if (!json_is_array(list)) {
        fault_add(reading->faults, reading->pointer, "wrong_type",
                  "Expected an array of integers.");
        return;
    }
    size_t count = json_array_size(list);
    if (count < 1 || count > bandwidth_count) {
        fault_add(reading->faults, reading->pointer, "out_of_range",
                  "Expected 1 to %zu bandwidths.", bandwidth_count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *pointer = arena_printf(reading->arena, "%s/%zu", reading->pointer, i);
        if (!json_is_integer(item)) {
            fault_add(reading->faults, pointer, "wrong_type", "Expected an integer.");
            continue;
        }
        if (!bandwidth_known(json_integer_value(item)))
            fault_add(reading->faults, pointer, "invalid_value",
                      "Expected one of 50, 100, 200, 500, 1000, 2000, 5000, 10000.");
        for (size_t j = 0; j < i; j++)
            if (json_equal(item, json_array_get(list, j))) {
                fault_add(reading->faults, pointer, "invalid_value", "Named twice.");
                break;
            }
    }
}

/* Returns the location's name, or NULL after a fault. */
static const char *location_check(const json_t *value, const struct reading *reading)
{
    static const struct kind location = KIND_TEXT(1, 80);
    if (!value) {
        fault_add(reading->faults, reading->pointer, "required", "Name a peering location.");
        return NULL;
    }
    return text_from_json(&location, value, reading);
}

static const char *offer_check(const json_t *offer, const struct reading *reading)
{
    if (!json_is_object(offer)) {
        fault_add(reading->faults, reading->pointer, "wrong_type", "Expected an object.");
        return NULL;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)offer, key, value)
    {
        if (strcmp(key, "peeringLocation") == 0 || strcmp(key, "bandwidthsMbps") == 0)
            continue;
        fault_add(reading->faults, below(reading, key).pointer, "unknown_member",
                  "An offer has peeringLocation and bandwidthsMbps, and no other member.");
    }
    struct reading list = below(reading, "bandwidthsMbps");
    bandwidths_check(json_object_get(offer, "bandwidthsMbps"), &list);
    struct reading location = below(reading, "peeringLocation");
    return location_check(json_object_get(offer, "peeringLocation"), &location);
}

static const char *offers_from_json(const struct kind *kind, const json_t *value,
                                    const struct reading *reading)
{
    (void)kind;
    if (!json_is_array(value)) {
        fault_add(reading->faults, reading->pointer, "wrong_type", "Expected an array of offers.");
        return NULL;
    }
    size_t count = json_array_size(value);
    if (count > OFFERS_MAX) {
        fault_add(reading->faults, reading->pointer, "out_of_range", "Expected at most %d offers.",
                  OFFERS_MAX);
        return NULL;
    }
    size_t before = reading->faults->count;
    const char **seen = arena_alloc(reading->arena, (count + 1) * sizeof *seen);
    for (size_t i = 0; i < count; i++) {
        struct reading item = {reading->faults, reading->arena,
                               arena_printf(reading->arena, "%s/%zu", reading->pointer, i)};
        seen[i] = offer_check(json_array_get(value, i), &item);
        for (size_t j = 0; seen[i] && j < i; j++)
            if (seen[j] && strcmp(seen[i], seen[j]) == 0) {
                fault_add(reading->faults, item.pointer, "invalid_value",
                          "This location is offered twice; name each location once.");
                break;
            }
    }
    if (reading->faults->count > before)
        return NULL;
    return json_compact(reading->arena, value);
}

const struct kind kind_offers = {.from_json = offers_from_json};
