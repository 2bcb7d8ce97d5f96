/* SPDX-License-Identifier: Apache-2.0 */
/* Slugs of partner names, and the catalogue that is read with them. */
#include "partners/catalogue.h"
#include "partners/slug.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *slug;
} slugs[] = {
    {"GÉANT", "geant"},
    {"AT&T NetBond", "at-t-netbond"},
    {"Interxion (Digital Realty)", "interxion-digital-realty"},
    {"NTT DOCOMO BUSINESS - Flexible Interconnect (NTT Communications - Flexible Interconnect)",
     "ntt-docomo-business-flexible-interconnect-ntt-communications-flexible-interconnect"},
    {"1-IX.EU", "1-ix-eu"},
    {"Console Connect (PCCW Global Limited)", "console-connect-pccw-global-limited"},
    {"Straße", "strasse"},
    {"Cafe\xcc\x81 Net", "cafe-net"},
    {"Łódź Æther Œuvre", "lodz-aether-oeuvre"},
    {"  --  a  --  ", "a"},
    {"日本 Telecom", "telecom"},
};

START_TEST(a_name_becomes_its_slug)
{
    char slug[SLUG_MAX + 1];
    ck_assert(slug_make(slug, slugs[_i].name));
    ck_assert_str_eq(slug, slugs[_i].slug);
}
END_TEST

START_TEST(a_name_without_letters_or_too_long_has_no_slug)
{
    char slug[SLUG_MAX + 1];
    char name[SLUG_MAX + 2];
    memset(name, 'x', sizeof name);
    name[SLUG_MAX] = '\0';
    ck_assert(slug_make(slug, name));
    name[SLUG_MAX] = 'x';
    name[SLUG_MAX + 1] = '\0';
    ck_assert(!slug_make(slug, name));
    ck_assert(!slug_make(slug, ""));
    ck_assert(!slug_make(slug, "&/!"));
    ck_assert(!slug_make(slug, "日本"));
}
END_TEST

#define HEADER "location\tzone\tsite\tlocal_regions\tdirect\tpartners\n"

START_TEST(a_catalogue_gives_locations_with_metros_and_partners_with_offers)
{
    static const char text[] = HEADER "Amsterdam2\t1\tAMS8\tWest Europe\tyes\tBICS;GÉANT\n"
                                      "Busan\t2\tLG CNS\t\tno\tGÉANT\n";
    size_t line = 0;
    json_t *catalogue = catalogue_read(text, sizeof text - 1, &line);
    ck_assert_ptr_nonnull(catalogue);
    const char *metro, *partner, *display;
    int zone, direct;
    size_t regions;
    json_t *list, *offers;
    ck_assert_int_eq(json_unpack(json_array_get(json_object_get(catalogue, "locations"), 0),
                                 "{s:s, s:i, s:o, s:b}", "metro", &metro, "zone", &zone,
                                 "localRegions", &list, "direct", &direct),
                     0);
    regions = json_array_size(list);
    ck_assert_str_eq(metro, "Amsterdam");
    ck_assert_int_eq(zone, 1);
    ck_assert_uint_eq(regions, 1);
    ck_assert(direct);
    ck_assert_uint_eq(json_array_size(json_object_get(catalogue, "partners")), 2);
    ck_assert_int_eq(json_unpack(json_array_get(json_object_get(catalogue, "partners"), 1),
                                 "{s:s, s:s, s:o}", "name", &partner, "displayName", &display,
                                 "offers", &offers),
                     0);
    ck_assert_str_eq(partner, "geant");
    ck_assert_str_eq(display, "GÉANT");
    ck_assert_uint_eq(json_array_size(offers), 2);
    json_t *speeds = json_object_get(json_array_get(offers, 1), "bandwidthsMbps");
    ck_assert_uint_eq(json_array_size(speeds), 8);
    json_decref(catalogue);
}
END_TEST

static const char *const broken[] = {
    "",
    "location\tzone\n",
    HEADER "Amsterdam\t5\tA\t\tyes\tX\n",
    HEADER "Amsterdam\t1\tA\t\tmaybe\tX\n",
    HEADER "\t1\tA\t\tyes\tX\n",
    HEADER "Amsterdam\t1\tA\t\tyes\tX\tmore\n",
    HEADER "Amsterdam\t1\tA\t\tyes\t&&\n",
    HEADER "\xff\t1\tA\t\tyes\tX\n",
};

START_TEST(a_broken_catalogue_is_refused)
{
    size_t line = 0;
    ck_assert_ptr_null(catalogue_read(broken[_i], strlen(broken[_i]), &line));
    ck_assert_uint_eq(line, _i < 2 ? 1 : 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slug");
    TCase *tests = tcase_create("slug");
    tcase_add_loop_test(tests, a_name_becomes_its_slug, 0, (int)(sizeof slugs / sizeof *slugs));
    tcase_add_test(tests, a_name_without_letters_or_too_long_has_no_slug);
    tcase_add_test(tests, a_catalogue_gives_locations_with_metros_and_partners_with_offers);
    tcase_add_loop_test(tests, a_broken_catalogue_is_refused, 0,
                        (int)(sizeof broken / sizeof *broken));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
