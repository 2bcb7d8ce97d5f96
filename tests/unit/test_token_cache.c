/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of tokens: the right one, for four seconds, and as many as there are places.
 */
#include "api/token_cache.h"
#include "base/arena.h"
#include "crypto/hex.h"
#include "db/rows.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = COLUMN_FIRST + 8, LIVES = COLUMNS - 1 };

static const char customer[] = "00000000-0000-7000-8001-000000000001";

/* How long the token lives, in milliseconds; NULL: for ever. */
static const char *lives;

/* The row of token_check for a customer's token. */
static PGresult *row_of(const struct token *token, const char *outcome)
{
    char sha256[DIGEST_TEXT], id[] = "the id of the token";
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[COLUMNS];
    const char *values[COLUMNS] = {outcome, NULL, id, sha256, "customer", customer, NULL, "Acme"};
    char name[] = "column";
    values[LIVES] = lives;
    hex_write(sha256, token->sha256, sizeof token->sha256);
    memset(columns, 0, sizeof columns);
    for (int i = 0; i < COLUMNS; i++)
        columns[i].name = name;
    ck_assert(PQsetResultAttrs(result, COLUMNS, columns));
    for (int i = 0; i < COLUMNS; i++)
        if (values[i]) {
            char *copy = strdup(values[i]);
            ck_assert(PQsetvalue(result, 0, i, copy, (int)strlen(copy)));
            free(copy);
        } else {
            ck_assert(PQsetvalue(result, 0, i, NULL, -1));
        }
    return result;
}

static bool confirm(struct token_cache *cache, const struct token *token, const struct token *row,
                    const char *outcome, int64_t asked)
{
    PGresult *result = row_of(row, outcome);
    struct rows rows = {result, 0, 1};
    bool confirmed = token_cache_confirm(cache, NULL, NULL, token, &rows, asked);
    PQclear(result);
    return confirmed;
}

static struct token token_make(void)
{
    struct token token;
    ck_assert(token_new(&token, ROLE_CUSTOMER));
    return token;
}

START_TEST(a_token_that_expires_is_known_up_to_that_instant)
{
    struct token_cache *cache = token_cache_new();
    struct token token = token_make();
    lives = "1500";
    ck_assert(confirm(cache, &token, &token, "ok", 1000));
    ck_assert(token_cache_holds(cache, &token, 2499));
    ck_assert(!token_cache_holds(cache, &token, 2500));
    lives = "100000";
    ck_assert(confirm(cache, &token, &token, "ok", 1000));
    ck_assert(token_cache_holds(cache, &token, 1000 + CACHE_MS - 1));
    ck_assert(!token_cache_holds(cache, &token, 1000 + CACHE_MS));
    lives = NULL;
    token_cache_free(cache);
}
END_TEST

START_TEST(a_confirmed_token_is_known_for_four_seconds)
{
    struct token_cache *cache = token_cache_new();
    struct token token = token_make(), other = token_make();
    ck_assert(!token_cache_holds(cache, &token, 1000));
    ck_assert(confirm(cache, &token, &token, "ok", 1000));
    ck_assert(token_cache_holds(cache, &token, 1000));
    ck_assert(token_cache_holds(cache, &token, 1000 + CACHE_MS - 1));
    ck_assert(!token_cache_holds(cache, &token, 1000 + CACHE_MS));
    ck_assert(!token_cache_holds(cache, &other, 1000));
    ck_assert(confirm(cache, &token, &token, "ok", 7000));
    ck_assert(token_cache_holds(cache, &token, 7000));
    token_cache_free(cache);
}
END_TEST

START_TEST(its_holder_is_given_back)
{
    struct token_cache *cache = token_cache_new();
    struct arena *arena = arena_new();
    struct token token = token_make();
    struct caller caller;
    ck_assert(confirm(cache, &token, &token, "ok", 0));
    ck_assert(token_cache_find(cache, &caller, arena, &token, 0));
    ck_assert_int_eq(caller.role, ROLE_CUSTOMER);
    ck_assert_str_eq(caller.customer, customer);
    ck_assert_ptr_null(caller.partner);
    ck_assert_str_eq(caller.name, "Acme");
    ck_assert_str_eq(caller.token_id, "the id of the token");
    arena_free(arena);
    token_cache_free(cache);
}
END_TEST

START_TEST(a_guess_at_a_known_key_is_refused)
{
    struct token_cache *cache = token_cache_new();
    struct token token = token_make(), guess = token;
    guess.sha256[DIGEST_OCTETS - 1] ^= 1;
    ck_assert(!confirm(cache, &guess, &token, "ok", 0));
    ck_assert(!confirm(cache, &token, &token, "not_found", 0));
    ck_assert(!token_cache_holds(cache, &token, 0));
    ck_assert(confirm(cache, &token, &token, "ok", 0));
    ck_assert(!token_cache_holds(cache, &guess, 0));
    ck_assert(token_cache_holds(cache, &token, 0));
    token_cache_free(cache);
}
END_TEST

START_TEST(thousands_of_tokens_keep_their_places)
{
    enum { COUNT = 4000, MORE = 40000 };
    struct token_cache *cache = token_cache_new();
    struct token *tokens = calloc(COUNT, sizeof *tokens);
    int known = 0;
    ck_assert_ptr_nonnull(tokens);
    for (int i = 0; i < COUNT; i++) {
        tokens[i] = token_make();
        ck_assert(confirm(cache, &tokens[i], &tokens[i], "ok", i));
    }
    for (int i = 0; i < COUNT; i++)
        known += token_cache_holds(cache, &tokens[i], COUNT);
    ck_assert_int_gt(known, COUNT / 100 * 98);
    for (int i = 0; i < MORE; i++) {
        struct token one = token_make();
        ck_assert(confirm(cache, &one, &one, "ok", COUNT + i));
        ck_assert(token_cache_holds(cache, &one, COUNT + i));
    }
    free(tokens);
    token_cache_free(cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_cache");
    TCase *tests = tcase_create("token_cache");
    tcase_add_test(tests, a_confirmed_token_is_known_for_four_seconds);
    tcase_add_test(tests, a_token_that_expires_is_known_up_to_that_instant);
    tcase_add_test(tests, its_holder_is_given_back);
    tcase_add_test(tests, a_guess_at_a_known_key_is_refused);
    tcase_add_test(tests, thousands_of_tokens_keep_their_places);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
