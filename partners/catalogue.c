/* SPDX-License-Identifier: Apache-2.0 */
#include "partners/catalogue.h"

#include "partners/offer.h"
#include "partners/slug.h"

#include <stdlib.h>
#include <string.h>

static const char header[] = "location\tzone\tsite\tlocal_regions\tdirect\tpartners";

enum { LOCATION, ZONE, SITE, LOCAL_REGIONS, DIRECT, PARTNERS, FIELDS };

struct span {
    const char *text;
    size_t length;
};

/* Cut the next part off rest, up to the separator or its end. */
static struct span part(struct span *rest, char separator)
{
    const char *end = rest->length ? memchr(rest->text, separator, rest->length) : NULL;
    struct span found = {rest->text, end ? (size_t)(end - rest->text) : rest->length};
    size_t taken = found.length + (end != NULL);
    rest->text += taken;
    rest->length -= taken;
    return found;
}

static json_t *text_of(struct span span)
{
    return json_stringn(span.text, span.length);
}

/* A metro is the location's name without its trailing digits. */
static json_t *metro_of(struct span location)
{
    while (location.length > 1 && location.text[location.length - 1] >= '0' &&
           location.text[location.length - 1] <= '9')
        location.length--;
    return text_of(location);
}

static json_t *all_bandwidths(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < bandwidth_count; i++)
        json_array_append_new(list, json_integer(bandwidths[i]));
    return list;
}

/* The offers of the partner with this display name; the partner is added when it is new. */
static json_t *offers_of(json_t *partners, json_t *by_slug, struct span name)
{
    char slug[SLUG_MAX + 1];
    char display[256];
    if (name.length == 0 || name.length >= sizeof display)
        return NULL;
    memcpy(display, name.text, name.length);
    display[name.length] = '\0';
    if (!slug_make(slug, display))
        return NULL;
    json_t *known = json_object_get(by_slug, slug);
    if (!known) {
        known = json_pack("{s:s, s:s, s:[]}", "name", slug, "displayName", display, "offers");
        if (!known)
            return NULL; /* not UTF-8 */
        json_array_append_new(partners, known);
        json_object_set(by_slug, slug, known);
    }
    return json_object_get(known, "offers");
}

static bool row_read(json_t *locations, json_t *partners, json_t *by_slug, struct span row)
{
    struct span fields[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        fields[i] = part(&row, '\t');
    bool direct = fields[DIRECT].length == 3;
    struct span zone = fields[ZONE];
    if (row.length > 0 || fields[LOCATION].length == 0 || zone.length != 1 || zone.text[0] < '1' ||
        zone.text[0] > '4' || (!direct && fields[DIRECT].length != 2))
        return false;
    json_t *regions = json_array();
    while (fields[LOCAL_REGIONS].length > 0)
        json_array_append_new(regions, text_of(part(&fields[LOCAL_REGIONS], ';')));
    json_t *location =
        json_pack("{s:o, s:o, s:i, s:o, s:o, s:b}", "name", text_of(fields[LOCATION]), "metro",
                  metro_of(fields[LOCATION]), "zone", zone.text[0] - '0', "site",
                  text_of(fields[SITE]), "localRegions", regions, "direct", direct);
    if (!location)
        return false;
    json_array_append_new(locations, location);
    while (fields[PARTNERS].length > 0) {
        json_t *offers = offers_of(partners, by_slug, part(&fields[PARTNERS], ';'));
        json_t *offer = json_pack("{s:o, s:o}", "peeringLocation", text_of(fields[LOCATION]),
                                  "bandwidthsMbps", all_bandwidths());
        if (!offers || !offer) {
            json_decref(offer);
            return false;
        }
        json_array_append_new(offers, offer);
    }
    return true;
}

json_t *catalogue_read(const char *text, size_t length, size_t *line)
{
    struct span rest = {text, length};
    json_t *locations = json_array();
    json_t *partners = json_array();
    json_t *by_slug = json_object();
    json_t *catalogue = NULL;
    *line = 1;
    struct span first = part(&rest, '\n');
    bool good = first.length == sizeof header - 1 && memcmp(first.text, header, first.length) == 0;
    while (good && rest.length > 0) {
        ++*line;
        good = row_read(locations, partners, by_slug, part(&rest, '\n'));
    }
    if (good)
        catalogue = json_pack("{s:O, s:O}", "locations", locations, "partners", partners);
    json_decref(by_slug);
    json_decref(partners);
    json_decref(locations);
    return catalogue;
}
