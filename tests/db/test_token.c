/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: who may make which, what checking one answers, what is shown and what is revoked. */
#include "scene.h"

#include <string.h>

static const char *acme, *other;

static void begin(void)
{
    acme = customer_new("Acme");
    other = customer_new("Other");
}

/* Who calls: role, customer and partner in SQL, as a row that is called by. */
#define BY        "(VALUES (%s)) AS by (role, customer, partner)"
#define AS_CALLER "ROW (by.role, 'somebody', NULL, NULL, NULL, NULL)::onramp.caller"
#define DELETE                                                                                     \
    "SELECT outcome FROM " BY ", onramp.token_delete(" AS_CALLER                                   \
    ", '%s', by.customer::uuid, by.partner)"

/* All but the key are SQL. */
static PGresult *create(const char *key, const char *role, const char *customer,
                        const char *partner, const char *expires, const char *caller)
{
    return run(
        api,
        "SELECT t.*, facts #>> '{errors,0,pointer}' AS pointer,"
        " facts #>> '{errors,0,code}' AS code FROM " BY ", onramp.token_create(" AS_CALLER
        ", '%s', repeat('ab', 32), '%s', %s, %s, 'for tests', %s, by.customer::uuid, by.partner) t",
        caller, key, role, customer, partner, expires);
}

static const char *quoted(const char *text)
{
    return value(owner, "SELECT quote_literal('%s')", text);
}

#define OPERATOR "'operator', NULL, NULL"
#define CARRIER  "'partner', NULL, 'carrier'"

START_TEST(an_operator_makes_tokens_of_any_role)
{
    begin();
    ck_assert_str_eq(
        field(create("c", "customer", quoted(acme), "NULL", "NULL", OPERATOR), 0, "customer_id"),
        acme);
    ck_assert_str_eq(
        field(create("p", "partner", "NULL", "'carrier'", "NULL", OPERATOR), 0, "partner"),
        "carrier");
    PGresult *o = create("o", "operator", "NULL", "NULL", "NULL", OPERATOR);
    ck_assert_str_eq(field(o, 0, "role"), "operator");
    ck_assert_str_eq(field(o, 0, "description"), "for tests");
    ck_assert_str_eq(field(o, 0, "key_id"), "o");
}
END_TEST

START_TEST(what_a_token_is_bound_to_is_pointed_at)
{
    begin();
    static const struct {
        const char *role, *customer, *partner, *pointer, *code;
    } faults[] = {
        {"customer", "NULL", "NULL", "/customerId", "required"},
        {"customer", "gen_random_uuid()", "NULL", "/customerId", "invalid_value"},
        {"partner", "NULL", "NULL", "/partner", "required"},
        {"partner", "NULL", "'nobody'", "/partner", "invalid_value"},
        {"operator", "gen_random_uuid()", "NULL", "/customerId", "invalid_value"},
        {"operator", "NULL", "'carrier'", "/partner", "invalid_value"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        PGresult *t =
            create("k", faults[i].role, faults[i].customer, faults[i].partner, "NULL", OPERATOR);
        ck_assert_str_eq(field(t, 0, "outcome"), "invalid_request");
        ck_assert_str_eq(field(t, 0, "pointer"), faults[i].pointer);
        ck_assert_str_eq(field(t, 0, "code"), faults[i].code);
    }
    ck_assert_str_eq(
        field(create("k", "operator", "NULL", "NULL", "clock_timestamp()", OPERATOR), 0, "pointer"),
        "/expiresAt");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM tokens"), 0);
}
END_TEST

START_TEST(others_make_tokens_for_themselves_alone)
{
    begin();
    const char *as_acme = value(owner, "SELECT format('''customer'', %%L, NULL', '%s')", acme);
    ck_assert_str_eq(
        field(create("a", "customer", "NULL", "NULL", "NULL", as_acme), 0, "customer_id"), acme);
    ck_assert_str_eq(
        field(create("b", "customer", quoted(acme), "NULL", "NULL", as_acme), 0, "outcome"), "ok");
    ck_assert_str_eq(field(create("c", "partner", "NULL", "NULL", "NULL", CARRIER), 0, "partner"),
                     "carrier");
    ck_assert_str_eq(
        field(create("d", "customer", quoted(other), "NULL", "NULL", as_acme), 0, "outcome"),
        "forbidden");
    ck_assert_str_eq(field(create("d", "operator", "NULL", "NULL", "NULL", as_acme), 0, "outcome"),
                     "forbidden");
    ck_assert_str_eq(
        field(create("d", "partner", "NULL", "'carrier'", "NULL", as_acme), 0, "outcome"),
        "forbidden");
    ck_assert_str_eq(
        field(create("d", "customer", quoted(acme), "'carrier'", "NULL", as_acme), 0, "outcome"),
        "forbidden");
    ck_assert_str_eq(
        field(create("d", "partner", "NULL", "'rival'", "NULL", CARRIER), 0, "outcome"),
        "forbidden");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM tokens"), 3);
}
END_TEST

START_TEST(a_check_names_the_holder_and_finds_live_tokens_alone)
{
    begin();
    create("c", "customer", quoted(acme), "NULL", "NULL", OPERATOR);
    create("p", "partner", "NULL", "'carrier'", "NULL", OPERATOR);
    create("o", "operator", "NULL", "NULL", "NULL", OPERATOR);
    create("e", "operator", "NULL", "NULL", "clock_timestamp() + interval '50 ms'", OPERATOR);
    PGresult *c = run(api, "SELECT * FROM onramp.token_check('c')");
    ck_assert_str_eq(field(c, 0, "role"), "customer");
    ck_assert_str_eq(field(c, 0, "customer_id"), acme);
    ck_assert_str_eq(field(c, 0, "name"), "Acme");
    ck_assert_str_eq(field(c, 0, "sha256"),
                     "abababababababababababababababababababababababababababababababab");
    ck_assert_str_eq(value(api, "SELECT name || ' ' || partner FROM onramp.token_check('p')"),
                     "carrier carrier");
    ck_assert_str_eq(value(api, "SELECT name FROM onramp.token_check('o')"), "for tests");
    run(owner, "UPDATE tokens SET description = '' WHERE key_id = 'o'");
    ck_assert_str_eq(value(api, "SELECT name FROM onramp.token_check('o')"), "operator");
    run(admin, "SELECT pg_sleep(0.06)");
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.token_check('e')")), 0);
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.token_check('C')")), 0);
    run(api, DELETE, OPERATOR, field(c, 0, "id"));
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.token_check('c')")), 0);
}
END_TEST

START_TEST(lists_and_deletes_keep_to_what_is_the_callers_own)
{
    begin();
    const char *mine =
        field(create("a", "customer", quoted(acme), "NULL", "NULL", OPERATOR), 0, "id");
    const char *theirs =
        field(create("b", "customer", quoted(other), "NULL", "NULL", OPERATOR), 0, "id");
    const char *carriers =
        field(create("c", "partner", "NULL", "'carrier'", "NULL", OPERATOR), 0, "id");
    const char *top = field(create("d", "operator", "NULL", "NULL", "NULL", OPERATOR), 0, "id");
    static const char list[] =
        "SELECT string_agg(id::text, ' ') FROM onramp.token_list(NULL, 10, %s)";
    const char *as_acme = value(owner, "SELECT format('''customer'', %%L, NULL', '%s')", acme);
    ck_assert_str_eq(value(api, list, as_acme), mine);
    ck_assert_str_eq(value(api, list, CARRIER), carriers);
    ck_assert_str_eq(value(api, list, "'partner', NULL, 'rival'"), "");
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.token_list(NULL, 10, " OPERATOR ")"),
                     4);
    ck_assert_int_eq(
        number(api, "SELECT count(*) FROM onramp.token_list('%s', 1, " OPERATOR ")", mine), 2);
    ck_assert_str_eq(value(api, DELETE, as_acme, theirs), "not_found");
    ck_assert_str_eq(value(api, DELETE, as_acme, top), "not_found");
    ck_assert_str_eq(value(api, DELETE, CARRIER, mine), "not_found");
    ck_assert_str_eq(value(api, DELETE, as_acme, mine), "ok");
    ck_assert_str_eq(value(api, DELETE, as_acme, mine), "not_found");
    ck_assert_str_eq(value(api, list, as_acme), "");
    ck_assert_str_eq(value(api, DELETE, CARRIER, carriers), "ok");
    ck_assert_str_eq(value(api, DELETE, OPERATOR, theirs), "ok");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token");
    TCase *tcase = scene_case(suite, "tokens", 30);
    tcase_add_test(tcase, an_operator_makes_tokens_of_any_role);
    tcase_add_test(tcase, what_a_token_is_bound_to_is_pointed_at);
    tcase_add_test(tcase, others_make_tokens_for_themselves_alone);
    tcase_add_test(tcase, a_check_names_the_holder_and_finds_live_tokens_alone);
    tcase_add_test(tcase, lists_and_deletes_keep_to_what_is_the_callers_own);
    return scene_run(suite);
}
