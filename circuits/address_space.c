/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/address_space.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { PREFIXES_MAX = 16, SHORTEST = 8, LONGEST = 28, PREFIX_TEXT = 18 };

enum prefix_fault prefix_read(struct prefix *out, const char *text)
{
    char address[INET_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof address)
        return PREFIX_MALFORMED;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    struct in_addr parsed;
    if (inet_pton(AF_INET, address, &parsed) != 1)
        return PREFIX_MALFORMED;
    const char *bits = slash + 1;
    size_t digits = strspn(bits, "0123456789");
    if (digits < 1 || digits > 2 || bits[digits] != '\0' || (digits == 2 && bits[0] == '0'))
        return PREFIX_MALFORMED;
    int length = digits == 1 ? bits[0] - '0' : (bits[0] - '0') * 10 + (bits[1] - '0');
    if (length > 32)
        return PREFIX_MALFORMED;
    out->address = ntohl(parsed.s_addr);
    out->length = length;
    uint32_t host = length == 0 ? UINT32_MAX : length == 32 ? 0 : UINT32_MAX >> length;
    return out->address & host ? PREFIX_HOST_BITS : PREFIX_GOOD;
}

bool prefix_overlaps(struct prefix a, struct prefix b)
{
    int shorter = a.length < b.length ? a.length : b.length;
    return shorter == 0 || ((a.address ^ b.address) >> (32 - shorter)) == 0;
}

/* Read and check one prefix; false after a fault. */
static bool prefix_checked(struct prefix *out, const json_t *value, int longest,
                           const struct reading *reading)
{
    if (!json_is_string(value)) {
        fault_add(reading->faults, reading->pointer, "wrong_type",
                  "Expected an IPv4 prefix as a string, such as \"10.1.0.0/16\".");
        return false;
    }
    switch (prefix_read(out, json_string_value(value))) {
    case PREFIX_MALFORMED:
        fault_add(reading->faults, reading->pointer, "invalid_value",
                  "Expected an IPv4 prefix such as 10.1.0.0/16.");
        return false;
    case PREFIX_HOST_BITS:
        fault_add(reading->faults, reading->pointer, "invalid_value",
                  "Bits behind the /%d are set; all host bits must be zero.", out->length);
        return false;
    case PREFIX_GOOD:
        break;
    }
    if (out->length < SHORTEST || out->length > longest) {
        fault_add(reading->faults, reading->pointer, "out_of_range",
                  "Expected a prefix length from /%d to /%d.", SHORTEST, longest);
        return false;
    }
    return true;
}

static const char *address_space_from_json(const struct kind *kind, const json_t *value,
                                           const struct reading *reading)
{
    (void)kind;
    if (!json_is_array(value)) {
        fault_add(reading->faults, reading->pointer, "wrong_type",
                  "Expected an array of IPv4 prefixes.");
        return NULL;
    }
    size_t count = json_array_size(value);
    if (count < 1 || count > PREFIXES_MAX) {
        fault_add(reading->faults, reading->pointer, "out_of_range",
                  "Expected 1 to %d prefixes, got %zu.", PREFIXES_MAX, count);
        return NULL;
    }
    size_t before = reading->faults->count;
    struct prefix prefixes[PREFIXES_MAX];
    bool good[PREFIXES_MAX];
    char literal[PREFIXES_MAX * (PREFIX_TEXT + 1) + 3] = "{";
    size_t used = 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        struct reading below = {reading->faults, reading->arena,
                                arena_printf(reading->arena, "%s/%zu", reading->pointer, i)};
        good[i] = prefix_checked(&prefixes[i], item, LONGEST, &below);
        if (!good[i])
            continue;
        for (size_t j = 0; j < i; j++) {
            if (!good[j] || !prefix_overlaps(prefixes[i], prefixes[j]))
                continue;
            fault_add(reading->faults, below.pointer, "invalid_value",
                      "Overlaps %s of the same address space.",
                      json_string_value(json_array_get(value, j)));
            break;
        }
        used += (size_t)snprintf(literal + used, sizeof literal - used, "%s%s", i ? "," : "",
                                 json_string_value(item));
    }
    if (reading->faults->count > before)
        return NULL;
    literal[used] = '}';
    return arena_copy(reading->arena, literal, used + 1);
}

static const char *gateway_subnet_from_json(const struct kind *kind, const json_t *value,
                                            const struct reading *reading)
{
    (void)kind;
    struct prefix prefix;
    if (!prefix_checked(&prefix, value, LONGEST, reading))
        return NULL;
    return arena_copy(reading->arena, json_string_value(value), json_string_length(value));
}

const struct kind kind_address_space = {.from_json = address_space_from_json};
const struct kind kind_gateway_subnet = {.from_json = gateway_subnet_from_json};
