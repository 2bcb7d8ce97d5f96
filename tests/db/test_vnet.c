/* SPDX-License-Identifier: Apache-2.0 */
/* VNets and their gateways. */
#include "scene.h"

#include <string.h>

static const char *customer, *vnet;

static void begin(void)
{
    customer = customer_new("Acme");
    vnet = vnet_new(customer, 1);
}

static void connect_it(void)
{
    const char *circuit = circuit_new(customer);
    bring_to(circuit, "Provisioned");
    connected(customer, circuit, vnet);
}

static PGresult *patch(const char *name, const char *space, const char *tags)
{
    return run(api,
               "SELECT *, facts #>> '{errors,0,pointer}' AS pointer, facts #>> '{blockers,0,type}' "
               "AS blocker "
               "FROM onramp.vnet_update('(customer,Acme,,,,)', '%s', '%s', %s, %s, %s)",
               vnet, customer, name, space, tags);
}

START_TEST(a_new_vnet_is_as_promised)
{
    begin();
    PGresult *v = run(api,
                      "SELECT * FROM onramp.vnet_create('(customer,Acme,,,,)', '%s', 'it''s', "
                      "'{10.2.0.0/16,10.1.0.0/16}', '{\"a\": \"b\"}')",
                      customer);
    ck_assert_str_eq(field(v, 0, "outcome"), "ok");
    ck_assert_str_eq(field(v, 0, "customer_id"), customer);
    ck_assert_str_eq(field(v, 0, "name"), "it's");
    ck_assert_str_eq(field(v, 0, "address_space"), "[\"10.2.0.0/16\", \"10.1.0.0/16\"]");
    ck_assert_str_eq(field(v, 0, "gateway_subnet"), "");
    ck_assert_str_eq(field(v, 0, "circuits_used"), "0");
    ck_assert_str_eq(field(v, 0, "circuits_limit"), "4");
    ck_assert_str_eq(field(v, 0, "tags"), "{\"a\": \"b\"}");
    ck_assert_str_eq(field(v, 0, "version"), "1");
    ck_assert_str_eq(field(v, 0, "created_at"), field(v, 0, "updated_at"));
}
END_TEST

static const struct {
    const char *space, *pointer;
} wrong[] = {
    {"{}", "/addressSpace"},
    {"{10.0.0.0/16,10.0.1.0/24}", "/addressSpace/1"},
    {"{10.0.0.0/16,10.0.0.0/16}", "/addressSpace/1"},
    {"{10.0.0.0/16,8.0.0.0/7}", "/addressSpace/1"},
    {"{10.0.0.0/29}", "/addressSpace/0"},
    {"{fd00::/16}", "/addressSpace/0"},
    {"{NULL}", "/addressSpace/0"},
    {"{10.0.0.0/24,10.0.1.0/24,10.0.2.0/24,10.0.3.0/24,10.0.4.0/24,10.0.5.0/24,10.0.6.0/"
     "24,10.0.7.0/24,10.0.8.0/24,"
     "10.0.9.0/24,10.0.10.0/24,10.0.11.0/24,10.0.12.0/24,10.0.13.0/24,10.0.14.0/24,10.0.15.0/"
     "24,10.0.16.0/24}",
     "/addressSpace"},
};

START_TEST(a_wrong_address_space_is_a_refusal_with_a_pointer)
{
    begin();
    PGresult *v = run(api,
                      "SELECT *, facts #>> '{errors,0,pointer}' AS pointer FROM "
                      "onramp.vnet_create('(customer,Acme,,,,)', '%s', 'x', '%s', '{}')",
                      customer, wrong[_i].space);
    ck_assert_str_eq(field(v, 0, "outcome"), "invalid_request");
    ck_assert_str_eq(field(v, 0, "pointer"), wrong[_i].pointer);
    char space[512] = "'";
    strncat(space, wrong[_i].space, sizeof space - 3);
    strcat(space, "'");
    v = patch("NULL", space, "NULL");
    ck_assert_str_eq(field(v, 0, "outcome"), "invalid_request");
    ck_assert_str_eq(field(v, 0, "pointer"), wrong[_i].pointer);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnets"), 1);
}
END_TEST

START_TEST(vnets_are_read_and_listed_by_their_customer_and_by_operators)
{
    begin();
    const char *other = customer_new("Other"), *theirs = vnet_new(other, 1);
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.vnet_get('%s', '%s')", vnet, customer),
                     "ok");
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.vnet_get('%s', NULL)", vnet), "ok");
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.vnet_get('%s', '%s')", vnet, other),
                     "not_found");
    ck_assert_str_eq(
        value(api, "SELECT string_agg(id::text, ' ') FROM onramp.vnet_list('%s', NULL, 10, NULL)",
              customer),
        vnet);
    ck_assert_str_eq(
        value(api, "SELECT string_agg(id::text, ' ') FROM onramp.vnet_list('%s', NULL, 10, '%s')",
              customer, other),
        "");
    ck_assert_str_eq(
        value(api, "SELECT string_agg(id::text, ' ') FROM onramp.vnet_list(NULL, NULL, 10, '%s')",
              other),
        theirs);
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.vnet_list(NULL, NULL, 10, NULL)"), 2);
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.vnet_list(NULL, NULL, 0, NULL)"), 1);
    ck_assert_str_eq(
        value(api, "SELECT string_agg(id::text, ' ') FROM onramp.vnet_list(NULL, '%s', 10, NULL)",
              vnet),
        theirs);
}
END_TEST

START_TEST(tags_are_patched_as_rfc_7396_says)
{
    begin();
    ck_assert_str_eq(field(patch("NULL", "NULL", "'{\"a\": \"1\", \"b\": \"2\"}'"), 0, "tags"),
                     "{\"a\": \"1\", \"b\": \"2\"}");
    ck_assert_str_eq(
        field(patch("NULL", "NULL", "'{\"a\": null, \"c\": \"3\", \"z\": null}'"), 0, "tags"),
        "{\"b\": \"2\", \"c\": \"3\"}");
    ck_assert_str_eq(field(patch("NULL", "NULL", "'{}'"), 0, "tags"),
                     "{\"b\": \"2\", \"c\": \"3\"}");
    ck_assert_str_eq(field(patch("NULL", "NULL", "'null'"), 0, "tags"), "{}");
    PGresult *many = patch(
        "NULL", "NULL", "(SELECT jsonb_object_agg('k' || i, 'v') FROM generate_series(1, 51) i)");
    ck_assert_str_eq(field(many, 0, "outcome"), "invalid_request");
    ck_assert_str_eq(field(many, 0, "pointer"), "/tags");
}
END_TEST

START_TEST(the_version_rises_with_every_change_and_with_no_other)
{
    begin();
    ck_assert_str_eq(field(patch("NULL", "NULL", "NULL"), 0, "version"), "2");
    ck_assert_str_eq(field(patch("'net'", "'{10.1.0.0/16}'", "'{}'"), 0, "version"), "2");
    ck_assert_str_eq(field(patch("'new'", "NULL", "NULL"), 0, "version"), "3");
    ck_assert_str_eq(value(api,
                           "SELECT version FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', "
                           "'%s', '%s', '10.1.255.0/27')",
                           vnet, customer),
                     "3");
    connect_it();
    ck_assert_str_eq(value(api, "SELECT version FROM onramp.vnet_get('%s', NULL)", vnet), "4");
}
END_TEST

START_TEST(an_address_space_changes_while_unconnected_and_keeps_the_gateway_inside)
{
    begin();
    ck_assert_str_eq(field(patch("NULL", "'{10.1.0.0/16,10.9.0.0/16}'", "NULL"), 0, "outcome"),
                     "ok");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnet_prefixes"), 2);
    PGresult *outside = patch("NULL", "'{10.9.0.0/16}'", "NULL");
    ck_assert_str_eq(field(outside, 0, "outcome"), "invalid_request");
    ck_assert_str_eq(field(outside, 0, "pointer"), "/addressSpace");
    run(api, "SELECT * FROM onramp.vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')", vnet,
        customer);
    ck_assert_str_eq(field(patch("NULL", "'{10.9.0.0/16}'", "NULL"), 0, "outcome"), "ok");
    ck_assert_str_eq(value(owner, "SELECT prefix FROM vnet_prefixes"), "10.9.0.0/16");
}
END_TEST

START_TEST(a_connected_vnet_keeps_its_addresses_and_gateway_and_changes_name_and_tags)
{
    begin();
    ck_assert_str_eq(field(patch("NULL", "'{10.1.0.0/16,10.2.0.0/16}'", "NULL"), 0, "outcome"),
                     "ok");
    connect_it();
    PGresult *space = patch("NULL", "'{10.1.0.0/16}'", "NULL");
    ck_assert_str_eq(field(space, 0, "outcome"), "vnet_in_use");
    ck_assert_str_eq(field(space, 0, "blocker"), "connection");
    ck_assert_str_eq(
        field(patch("'n'", "'{10.2.0.0/16,10.1.0.0/16}'", "'{\"a\": \"b\"}'"), 0, "outcome"), "ok");
    static const char *const calls[] = {
        "vnet_gateway_put('(customer,Acme,,,,)', '%s', '%s', '10.1.0.0/27')",
        "vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')",
        "vnet_delete('(customer,Acme,,,,)', '%s', '%s')"};
    for (size_t i = 0; i < 3; i++) {
        char call[256] = "SELECT outcome || jsonb_array_length(facts -> 'blockers') FROM onramp.";
        strcat(call, calls[i]);
        ck_assert_str_eq(value(api, call, vnet, customer), "vnet_in_use1");
    }
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', "
                           "'%s', '%s', '10.1.255.0/27')",
                           vnet, customer),
                     "ok");
}
END_TEST

START_TEST(a_gateway_lies_inside_the_address_space)
{
    begin();
    PGresult *v = run(api,
                      "SELECT *, facts #>> '{errors,0,pointer}' AS pointer FROM "
                      "onramp.vnet_gateway_put('(customer,Acme,,,,)', '%s', '%s', '10.2.0.0/27')",
                      vnet, customer);
    ck_assert_str_eq(field(v, 0, "outcome"), "invalid_request");
    ck_assert_str_eq(field(v, 0, "pointer"), "/subnet");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', "
                           "'%s', '%s', '10.1.0.0/29')",
                           vnet, customer),
                     "invalid_request");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', "
                           "'%s', '%s', '10.0.0.0/8')",
                           vnet, customer),
                     "invalid_request");
    ck_assert_str_eq(
        value(api,
              "SELECT gateway_subnet FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', '%s', "
              "'%s', '10.1.0.0/16')",
              vnet, customer),
        "10.1.0.0/16");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', "
                           "'%s', '%s', '10.1.0.0/27')",
                           vnet, customer_new("Other")),
                     "not_found");
}
END_TEST

START_TEST(an_absent_gateway_can_not_be_deleted)
{
    begin();
    ck_assert_str_eq(
        value(api,
              "SELECT outcome FROM onramp.vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')",
              vnet, customer_new("Other")),
        "not_found");
    ck_assert_str_eq(value(api,
                           "SELECT outcome || coalesce(gateway_subnet::text, '-') FROM "
                           "onramp.vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')",
                           vnet, customer),
                     "ok-");
    ck_assert_str_eq(
        value(api,
              "SELECT outcome FROM onramp.vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')",
              vnet, customer),
        "not_found");
}
END_TEST

START_TEST(a_deleted_vnet_is_gone)
{
    begin();
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.vnet_delete('(customer,Acme,,,,)', '%s', '%s')",
              vnet, customer_new("Other")),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.vnet_delete('(customer,Acme,,,,)', '%s', '%s')",
              vnet, customer),
        "ok");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.vnet_delete('(customer,Acme,,,,)', '%s', '%s')",
              vnet, customer),
        "not_found");
    ck_assert_str_eq(field(patch("'x'", "NULL", "NULL"), 0, "outcome"), "not_found");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnet_prefixes"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vnet");
    TCase *vnets = scene_case(suite, "vnets", 30);
    tcase_add_test(vnets, a_new_vnet_is_as_promised);
    tcase_add_loop_test(vnets, a_wrong_address_space_is_a_refusal_with_a_pointer, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(vnets, vnets_are_read_and_listed_by_their_customer_and_by_operators);
    tcase_add_test(vnets, tags_are_patched_as_rfc_7396_says);
    tcase_add_test(vnets, the_version_rises_with_every_change_and_with_no_other);
    tcase_add_test(vnets, an_address_space_changes_while_unconnected_and_keeps_the_gateway_inside);
    tcase_add_test(vnets,
                   a_connected_vnet_keeps_its_addresses_and_gateway_and_changes_name_and_tags);
    tcase_add_test(vnets, a_deleted_vnet_is_gone);
    TCase *gateways = scene_case(suite, "gateways", 30);
    tcase_add_test(gateways, a_gateway_lies_inside_the_address_space);
    tcase_add_test(gateways, an_absent_gateway_can_not_be_deleted);
    return scene_run(suite);
}
