/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls is judged by what is presented, what is remembered and the rows that were asked for;
 * neither a socket nor a database is needed for it. */
#include "api/authentication.h"
#include "api/secret_cache.h"
#include "api/token.h"
#include "api/token_cache.h"
#include "base/arena.h"
#include "crypto/hex.h"
#include "crypto/seal.h"
#include "db/rows.h"
#include "partners/partner.h"
#include "tests/suite.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS_MAX = 10, CLOCK = 1700000000 };

static const char customer[] = "00000000-0000-7000-8001-000000000001";
static const char secret_id[] = "00000000-0000-7000-8002-000000000002";
static const char clock_text[] = "1700000000";
static const char body[] = "{\"type\":\"circuit.provisioned\"}";

static struct arena *arena;
static struct token_cache *tokens;
static struct secret_cache *secrets;
static struct token token;
static char header[TOKEN_LENGTH + 16];
static int keys_fd;
static char keys[32];

static void setup(void)
{
    static const char line[] = "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    char *error = NULL;
    keys_fd = memfd_create("keys", 0); /* so that no file stays when a test fails */
    ck_assert_int_ge(keys_fd, 0);
    ck_assert_int_eq(fchmod(keys_fd, 0600), 0);
    snprintf(keys, sizeof keys, "/proc/self/fd/%d", keys_fd);
    ck_assert_int_eq(write(keys_fd, line, strlen(line)), (ssize_t)strlen(line));
    ck_assert_msg(seal_keys_load(keys, &error), "%s", error);
    arena = arena_new();
    tokens = token_cache_new();
    secrets = secret_cache_new();
    ck_assert(token_new(&token, ROLE_CUSTOMER));
    snprintf(header, sizeof header, "Bearer %s", token.text);
}

static void teardown(void)
{
    secret_cache_free(secrets);
    token_cache_free(tokens);
    arena_free(arena);
    seal_keys_forget();
    close(keys_fd);
}

/* One row; the caller clears it. */
static PGresult *row_of(const char *const *values, int count)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[COLUMNS_MAX] = {{0}};
    char name[] = "column";
    for (int i = 0; i < count; i++)
        columns[i].name = name;
    ck_assert(PQsetResultAttrs(result, count, columns));
    for (int i = 0; i < count; i++) {
        char *copy = values[i] ? strdup(values[i]) : NULL;
        ck_assert(PQsetvalue(result, 0, i, copy, copy ? (int)strlen(copy) : -1));
        free(copy);
    }
    return result;
}

/* --- tokens --- */

static struct authentication by_token(const char *authorization, int64_t now)
{
    struct credentials credentials = {.authorization = authorization};
    return token_authenticate(tokens, &credentials, arena, now);
}

/* What the rows for the asked token say: sha256 is that of holder. */
static struct authentication by_row(const char *outcome, const struct token *holder, int64_t asked)
{
    char sha256[DIGEST_TEXT];
    hex_write(sha256, holder->sha256, sizeof holder->sha256);
    const char *const values[] = {outcome,  NULL, "the id", sha256, "customer",
                                  customer, NULL, "Acme",   NULL,   NULL};
    struct credentials credentials = {.authorization = header};
    PGresult *result = row_of(values, 10);
    struct rows rows = {result, 0, 1};
    struct authentication found = token_authenticate_by(tokens, &credentials, arena, &rows, asked);
    PQclear(result);
    return found;
}

START_TEST(without_a_bearer_token_nobody_is_asked)
{
    static const char *const others[] = {NULL, "", "Basic YTpi", "Bearer", "bearer_onrc"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct authentication found = by_token(others[i], 0);
        ck_assert_int_eq(found.verdict, AUTHENTICATION_REFUSED);
        ck_assert_ptr_null(found.why);
        ck_assert_int_eq(found.caller.role, ROLE_NONE);
    }
}
END_TEST

START_TEST(a_mistyped_token_is_refused_without_a_look_at_the_database)
{
    header[20] = header[20] == 'a' ? 'b' : 'a';
    struct authentication found = by_token(header, 0);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_REFUSED);
    ck_assert_ptr_nonnull(strstr(found.detail, "copied whole"));
}
END_TEST

START_TEST(an_unknown_token_is_asked_for_by_its_key)
{
    struct authentication found = by_token(header, 0);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_ASK);
    ck_assert_ptr_eq(found.operation, &token_check);
    ck_assert_uint_eq(found.operation->parameter_count, 1);
    ck_assert_str_eq(found.value, token.key_id);
    ck_assert_int_eq(found.caller.role, ROLE_NONE);
}
END_TEST

START_TEST(a_confirmed_token_is_known_until_it_is_too_old)
{
    struct authentication found = by_row("ok", &token, 1000);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_KNOWN);
    ck_assert_int_eq(found.caller.role, ROLE_CUSTOMER);
    ck_assert_str_eq(found.caller.customer, customer);
    found = by_token(header, 1000 + CACHE_MS - 1);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_KNOWN);
    ck_assert_str_eq(found.caller.token_id, "the id");
    ck_assert_int_eq(by_token(header, 1000 + CACHE_MS).verdict, AUTHENTICATION_ASK);
    memcpy(header, "bEARER ", 7); /* RFC 9110 section 11.1: the scheme in any case */
    ck_assert_int_eq(by_token(header, 1000).verdict, AUTHENTICATION_KNOWN);
}
END_TEST

START_TEST(a_token_that_is_not_live_is_refused_and_makes_nobody_known)
{
    struct token other;
    ck_assert(token_new(&other, ROLE_CUSTOMER));
    struct authentication found = by_row("not_found", &token, 0);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_REFUSED);
    found = by_row("ok", &other, 0); /* another secret behind the same key */
    ck_assert_int_eq(found.verdict, AUTHENTICATION_REFUSED);
    ck_assert_int_eq(found.caller.role, ROLE_NONE);
    ck_assert_int_eq(by_token(header, 0).verdict, AUTHENTICATION_ASK);
}
END_TEST

START_TEST(a_waiting_request_asks_again_for_its_own_key)
{
    struct credentials credentials = {.authorization = header};
    ck_assert(!token_is_fresh(tokens, &credentials, 0));
    ck_assert_str_eq(token_key_id(&credentials, arena), token.key_id);
    ck_assert_int_eq(by_row("ok", &token, 0).verdict, AUTHENTICATION_KNOWN);
    ck_assert(token_is_fresh(tokens, &credentials, CACHE_MS - 1));
    ck_assert(!token_is_fresh(tokens, &credentials, CACHE_MS));
}
END_TEST

/* --- signatures --- */

static struct credentials callback(const char *secret)
{
    static char signature[SIGNATURE_TEXT];
    struct signature_key key;
    ck_assert(signature_key_read(&key, secret));
    signature_make(signature, &key, "msg_1", clock_text, body, strlen(body));
    return (struct credentials){.id = "msg_1",
                                .timestamp = clock_text,
                                .signature = signature,
                                .partner = "equinix",
                                .body = body,
                                .body_length = strlen(body)};
}

static struct authentication by_signature(const struct credentials *credentials, int64_t now,
                                          int64_t arrived)
{
    return signature_authenticate(secrets, credentials, arena, now, arrived, CLOCK);
}

static struct authentication by_secret(const struct credentials *credentials, const char *outcome,
                                       const char *sealed, int64_t asked)
{
    const char *const values[] = {outcome, NULL, secret_id, sealed};
    PGresult *result = row_of(values, 4);
    struct rows rows = {result, 0, 1};
    struct authentication found =
        signature_authenticate_by(secrets, credentials, arena, &rows, asked);
    PQclear(result);
    return found;
}

static const char *sealed(const char *secret)
{
    return seal_close(arena, secret, "callback:equinix");
}

static void check_refused(struct authentication found, const char *why)
{
    ck_assert_int_eq(found.verdict, AUTHENTICATION_REFUSED);
    ck_assert_ptr_nonnull(strstr(found.why, why));
    /* The client is told the same, whichever step it was. */
    ck_assert_ptr_nonnull(strstr(found.detail, "The signature does not fit."));
    ck_assert_int_eq(found.caller.role, ROLE_NONE);
}

START_TEST(a_token_in_place_of_a_signature_is_judged_as_one)
{
    ck_assert(!credentials_signed(&(struct credentials){.authorization = "Bearer x"}));
    ck_assert(credentials_signed(&(struct credentials){0}));
    ck_assert(credentials_signed(
        &(struct credentials){.authorization = "Bearer x", .signature = "v1,x"}));
}
END_TEST

START_TEST(what_cannot_be_a_signature_is_refused_without_a_look_at_the_database)
{
    char secret[SECRET_TEXT];
    ck_assert(secret_new(secret));
    struct credentials good = callback(secret), bad = good;
    bad.id = NULL;
    check_refused(by_signature(&bad, 0, 0), "missing");
    bad = good;
    bad.timestamp = NULL;
    check_refused(by_signature(&bad, 0, 0), "missing");
    bad = good;
    bad.signature = NULL;
    check_refused(by_signature(&bad, 0, 0), "missing");
    bad = good;
    bad.id = "msg.1";
    check_refused(by_signature(&bad, 0, 0), "webhook-id");
    bad = good;
    bad.timestamp = "1699999699";
    check_refused(by_signature(&bad, 0, 0), "webhook-timestamp");
    bad = good;
    bad.partner = "No Slug";
    check_refused(by_signature(&bad, 0, 0), "partner");
}
END_TEST

START_TEST(a_signature_of_a_live_secret_makes_its_partner_known)
{
    char secret[SECRET_TEXT];
    ck_assert(secret_new(secret));
    struct credentials credentials = callback(secret);
    struct authentication found = by_signature(&credentials, 0, 0);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_ASK);
    ck_assert_ptr_eq(found.operation, &callback_secret_list);
    ck_assert_uint_eq(found.operation->parameter_count, 1);
    ck_assert_str_eq(found.value, "equinix");
    found = by_secret(&credentials, "ok", sealed(secret), 0);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_KNOWN);
    ck_assert_int_eq(found.caller.role, ROLE_PARTNER);
    ck_assert_str_eq(found.caller.partner, "equinix");
    ck_assert_str_eq(found.caller.secret_id, secret_id);
    ck_assert_int_eq(by_signature(&credentials, 10, 10).verdict, AUTHENTICATION_KNOWN);
}
END_TEST

START_TEST(another_secret_is_asked_for_once_it_may_have_been_rotated)
{
    char live[SECRET_TEXT], other[SECRET_TEXT];
    ck_assert(secret_new(live) && secret_new(other));
    struct credentials credentials = callback(other);
    check_refused(by_secret(&credentials, "ok", sealed(live), 100), "no live secret");
    /* The secrets were asked for after this request arrived: nothing newer is to be had. */
    check_refused(by_signature(&credentials, 120, 100), "no live secret");
    ck_assert_int_eq(by_signature(&credentials, 120, 101).verdict, AUTHENTICATION_ASK);
}
END_TEST

START_TEST(a_body_that_was_changed_is_refused)
{
    char secret[SECRET_TEXT];
    ck_assert(secret_new(secret));
    struct credentials credentials = callback(secret);
    credentials.body_length--;
    check_refused(by_secret(&credentials, "ok", sealed(secret), 0), "no live secret");
}
END_TEST

START_TEST(an_unknown_partner_is_refused_as_any_other)
{
    char secret[SECRET_TEXT];
    ck_assert(secret_new(secret));
    struct credentials credentials = callback(secret);
    check_refused(by_secret(&credentials, "not_found", NULL, 0), "partner");
}
END_TEST

START_TEST(a_secret_that_does_not_open_is_our_fault)
{
    char secret[SECRET_TEXT];
    ck_assert(secret_new(secret));
    struct credentials credentials = callback(secret);
    const char *of_another = seal_close(arena, secret, "callback:megaport");
    struct authentication found = by_secret(&credentials, "ok", of_another, 0);
    ck_assert_int_eq(found.verdict, AUTHENTICATION_CLOSED);
    ck_assert_ptr_null(found.why);
    ck_assert_int_eq(found.caller.role, ROLE_NONE);
    /* And it is asked again, even if nothing newer was to be had. */
    ck_assert_int_eq(by_signature(&credentials, 0, 0).verdict, AUTHENTICATION_ASK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_a_bearer_token_nobody_is_asked,
        a_mistyped_token_is_refused_without_a_look_at_the_database,
        an_unknown_token_is_asked_for_by_its_key,
        a_confirmed_token_is_known_until_it_is_too_old,
        a_token_that_is_not_live_is_refused_and_makes_nobody_known,
        a_waiting_request_asks_again_for_its_own_key,
        a_token_in_place_of_a_signature_is_judged_as_one,
        what_cannot_be_a_signature_is_refused_without_a_look_at_the_database,
        a_signature_of_a_live_secret_makes_its_partner_known,
        another_secret_is_asked_for_once_it_may_have_been_rotated,
        a_body_that_was_changed_is_refused,
        an_unknown_partner_is_refused_as_any_other,
        a_secret_that_does_not_open_is_our_fault,
        NULL,
    };
    return suite_run("authentication", (struct suite_fixture){setup, teardown}, tests, 10);
}
