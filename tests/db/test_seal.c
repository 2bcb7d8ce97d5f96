/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets at rest: nothing is kept unsealed, no key goes while a secret needs it, and what is
 * sealed anew is at no moment without a key. */
#include "scene.h"

#include <string.h>

static long dropped(PGconn *conn, const char *key)
{
    return number(
        conn, "SELECT (facts ->> 'dropped')::boolean::int FROM onramp.seal_key_drop('%s')", key);
}

static const char *stale(const char *key)
{
    return value(api, "SELECT facts ->> 'stale' FROM onramp.secret_stale_count(%s)", key);
}

/* An endpoint of an operator, with a secret. */
static void webhook_new(void)
{
    run(owner,
        "WITH w AS (INSERT INTO webhook_endpoints (role, url, event_types) "
        "VALUES ('operator', 'https://example.net/', '{*}') RETURNING id) "
        "INSERT INTO webhook_secrets (endpoint_id, secret) SELECT id, '" SEALED("hook") "' "
                                                                                        "FROM w");
}

static const char *const unsealed[] = {
    "",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "v1.test.",
    "v1.test.AAAA",
    "v2.test.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "v1..AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "v1.test.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "v1.test.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw v1.test.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

START_TEST(no_dml_keeps_a_secret_that_is_not_sealed)
{
    webhook_new();
    for (size_t i = 0; i < sizeof unsealed / sizeof *unsealed; i++) {
        refused(owner, "a_callback_secret_is_sealed",
                "INSERT INTO callback_secrets (partner, secret, expires_at) "
                "VALUES ('carrier', '%s', now())",
                unsealed[i]);
        refused(owner, "a_callback_secret_is_sealed",
                "UPDATE callback_secrets SET secret = '%s' WHERE partner = 'carrier'", unsealed[i]);
        refused(owner, "a_webhook_secret_is_sealed", "UPDATE webhook_secrets SET secret = '%s'",
                unsealed[i]);
    }
}
END_TEST

START_TEST(no_dml_keeps_a_secret_that_is_sealed_with_a_key_that_is_not_known)
{
    static const char other[] = "v1.other.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    refused(owner, "a_callback_secret_is_sealed_with_a_known_key",
            "UPDATE callback_secrets SET secret = '%s'", other);
    webhook_new();
    refused(owner, "a_webhook_secret_is_sealed_with_a_known_key",
            "UPDATE webhook_secrets SET secret = '%s'", other);
    refused(owner, "a_callback_secret_is_sealed_with_a_known_key",
            "DELETE FROM seal_keys WHERE id = 'test'");
}
END_TEST

START_TEST(issuing_with_a_key_that_is_gone_is_refused_and_nothing_is_done)
{
    static const char other[] = "v1.other.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.partner_create('(operator,ops,,,,)', 'new', "
                           "'New', '[]', '%s')",
                           other),
                     "unavailable");
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.partner_get('new')"), "not_found");
    const char *before = secret_of("carrier");
    PGresult *r = run(api,
                      "SELECT * FROM onramp.callback_secret_rotate('(operator,ops,,,,)', "
                      "'carrier', NULL, '%s', 0)",
                      other);
    ck_assert_str_eq(field(r, 0, "outcome"), "unavailable");
    ck_assert_ptr_nonnull(strstr(field(r, 0, "facts"), "Retry-After"));
    ck_assert_str_eq(secret_of("carrier"), before);
    /* An unknown partner is said first. */
    ck_assert_str_eq(
        value(api,
              "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'none', "
              "NULL, '%s', 0)",
              other),
        "not_found");
}
END_TEST

START_TEST(a_key_is_known_once_and_shown_with_whether_it_is_used)
{
    run(api, "SELECT * FROM onramp.seal_key_add('fresh', 'first')");
    run(api, "SELECT * FROM onramp.seal_key_add('fresh', 'second')");
    ck_assert_str_eq(
        value(api, "SELECT string_agg(id || ' ' || proof || ' ' || used, ', ' ORDER BY id) FROM "
                   "onramp.seal_key_list()"),
        "fresh first false, test none true");
    run(owner, "DELETE FROM callback_secrets");
    ck_assert_str_eq(value(api, "SELECT used FROM onramp.seal_key_list() WHERE id = 'test'"), "f");
    webhook_new();
    ck_assert_str_eq(value(api, "SELECT used FROM onramp.seal_key_list() WHERE id = 'test'"), "t");
    refused(owner, "a_seal_keys_id_is_a_short_word",
            "INSERT INTO seal_keys (id, proof) VALUES ('a.b', '')");
}
END_TEST

START_TEST(a_key_goes_when_nothing_is_sealed_with_it_any_more)
{
    webhook_new();
    run(api, "SELECT * FROM onramp.seal_key_add('fresh', 'x')");
    ck_assert_int_eq(dropped(api, "test"), 0);
    run(owner, "UPDATE callback_secrets SET secret = replace(secret, 'test', 'fresh')");
    ck_assert_int_eq(dropped(api, "test"), 0);
    run(owner, "UPDATE webhook_secrets SET secret = replace(secret, 'test', 'fresh')");
    ck_assert_int_eq(dropped(api, "test"), 1);
    ck_assert_str_eq(value(api, "SELECT string_agg(id, ' ') FROM onramp.seal_key_list()"), "fresh");
    ck_assert_int_eq(dropped(api, "test"), 1);
}
END_TEST

/* Without the lock of seal_key_refused, or the foreign key: the secret is kept, the key is gone,
 * and nobody can ever read it. */
START_TEST(who_drops_a_key_waits_for_who_seals_with_it)
{
    PGconn *issues = session("onramp_daemon"), *drops = session("onramp_daemon");
    run(owner, "INSERT INTO seal_keys (id, proof) VALUES ('fresh', 'x')");
    run(owner, "UPDATE callback_secrets SET secret = replace(secret, 'test', 'fresh')");
    run(issues, "BEGIN");
    run(issues, "SELECT * FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'carrier', "
                "NULL, '" SEALED("late") "', 0)");
    start(drops, "SELECT facts ->> 'dropped' FROM onramp.seal_key_drop('test')");
    blocked(drops);
    run(issues, "COMMIT");
    const char *first = NULL;
    ck_assert_str_eq(finish(drops, &first), "");
    ck_assert_str_eq(first, "false");
}
END_TEST

START_TEST(who_seals_waits_for_who_drops_the_key_and_is_refused)
{
    PGconn *issues = session("onramp_daemon"), *drops = session("onramp_daemon");
    run(owner, "INSERT INTO seal_keys (id, proof) VALUES ('fresh', 'x')");
    run(owner, "UPDATE callback_secrets SET secret = replace(secret, 'test', 'fresh')");
    run(drops, "BEGIN");
    ck_assert_int_eq(dropped(drops, "test"), 1);
    start(issues, "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', "
                  "'carrier', NULL, '" SEALED("late") "', 0)");
    blocked(issues);
    run(drops, "COMMIT");
    const char *first = NULL;
    ck_assert_str_eq(finish(issues, &first), "");
    ck_assert_str_eq(first, "unavailable");
}
END_TEST

START_TEST(what_is_stale_is_listed_with_its_context_and_sealed_anew)
{
    webhook_new();
    run(api, "SELECT * FROM onramp.seal_key_add('fresh', 'x')");
    ck_assert_str_eq(stale("'test'"), "0");
    ck_assert_str_eq(stale("'fresh'"), "3");
    run(api, "BEGIN");
    ck_assert_str_eq(value(api,
                           "SELECT string_agg(context || ' ' || secret, ', ' ORDER BY id) FROM "
                           "onramp.secret_stale_list('callback', 'fresh', NULL, 10)"),
                     "callback:carrier " SEALED("carrier") ", callback:rival " SEALED("rival"));
    PGresult *hook =
        run(api, "SELECT * FROM onramp.secret_stale_list('webhook', 'fresh', NULL, 10)");
    ck_assert_int_eq(PQntuples(hook), 1);
    ck_assert_str_eq(field(hook, 0, "context"), "webhook:operator:");
    run(api, "SELECT * FROM onramp.secret_reseal('callback', '%s', 'v1.fresh.%s')",
        secret_of("rival"), SEALED("x") + strlen("v1.test."));
    run(api, "SELECT * FROM onramp.secret_reseal('webhook', '%s', 'v1.fresh.%s')",
        field(hook, 0, "id"), SEALED("x") + strlen("v1.test."));
    run(api, "COMMIT");
    ck_assert_str_eq(stale("'fresh'"), "1");
    /* Page by page. */
    ck_assert_int_eq(number(api,
                            "SELECT count(*) FROM onramp.secret_stale_list('callback', "
                            "'fresh', '%s', 10)",
                            secret_of("carrier")),
                     0);
    ck_assert_int_eq(
        number(api, "SELECT count(*) FROM onramp.secret_stale_list('callback', 'other', NULL, 1)"),
        1);
}
END_TEST

START_TEST(what_another_one_seals_is_passed_over_but_counted)
{
    PGconn *other = session("onramp_daemon");
    run(other, "BEGIN");
    ck_assert_int_eq(number(other, "SELECT count(*) FROM onramp.secret_stale_list('callback', "
                                   "'fresh', NULL, 1)"),
                     1);
    ck_assert_int_eq(
        number(api, "SELECT count(*) FROM onramp.secret_stale_list('callback', 'fresh', NULL, 9)"),
        1);
    ck_assert_str_eq(stale("'fresh'"), "2");
    run(other, "COMMIT");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seal");
    TCase *tcase = scene_case(suite, "seal", 30);
    tcase_add_test(tcase, no_dml_keeps_a_secret_that_is_not_sealed);
    tcase_add_test(tcase, no_dml_keeps_a_secret_that_is_sealed_with_a_key_that_is_not_known);
    tcase_add_test(tcase, issuing_with_a_key_that_is_gone_is_refused_and_nothing_is_done);
    tcase_add_test(tcase, a_key_is_known_once_and_shown_with_whether_it_is_used);
    tcase_add_test(tcase, a_key_goes_when_nothing_is_sealed_with_it_any_more);
    tcase_add_test(tcase, who_drops_a_key_waits_for_who_seals_with_it);
    tcase_add_test(tcase, who_seals_waits_for_who_drops_the_key_and_is_refused);
    tcase_add_test(tcase, what_is_stale_is_listed_with_its_context_and_sealed_anew);
    tcase_add_test(tcase, what_another_one_seals_is_passed_over_but_counted);
    return scene_run(suite);
}
