/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/first_start.h"

#include "api/token.h"
#include "base/arena.h"
#include "cli/command.h"
#include "crypto/hex.h"
#include "crypto/seal.h"
#include "crypto/signature.h"
#include "db/database.h"
#include "partners/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const unsigned char catalogue_text[];
extern const size_t catalogue_text_length;

static const char partner[] = "equinix";
static const char customer_name[] = "demo";
static const char description[] = "made by the first start";

/* Starts of several daemons on one database take turns. "first" in ASCII. */
#define TURN_SQL "SELECT pg_advisory_xact_lock(439905187700)"

static json_t *file_read(const struct state *state, const char *name)
{
    char path[PATH_MAX];
    return json_load_file(state_path(path, state, name), 0, NULL);
}

static bool file_write(const struct state *state, const char *name, const json_t *content)
{
    char *text = json_dumps(content, JSON_INDENT(1));
    if (text == NULL)
        abort();
    bool good = state_write(state, name, text);
    explicit_bzero(text, strlen(text));
    free(text);
    return good;
}

static void file_remove(const struct state *state, const char *name)
{
    char path[PATH_MAX];
    unlink(state_path(path, state, name));
}

json_t *credentials_read(const struct state *state)
{
    return file_read(state, "credentials");
}

static json_t *credentials_make(void)
{
    struct token operators, customers, partners;
    char secret[SECRET_TEXT];
    json_t *made = NULL;
    if (token_new(&operators, ROLE_OPERATOR) && token_new(&customers, ROLE_CUSTOMER) &&
        token_new(&partners, ROLE_PARTNER) && secret_new(secret))
        made = json_pack("{s:s, s:s, s:s, s:s, s:s}", "operatorToken", operators.text,
                         "customerToken", customers.text, "partner", partner, "partnerToken",
                         partners.text, "partnerSecret", secret);
    if (made == NULL)
        complain("the system gives no randomness; no credentials can be made");
    explicit_bzero(&operators, sizeof operators);
    explicit_bzero(&customers, sizeof customers);
    explicit_bzero(&partners, sizeof partners);
    explicit_bzero(secret, sizeof secret);
    return made;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* --- in the database --- */

/* As an operator's, as there is nobody else yet: onramp.caller. */
static const char caller[] = "(operator,onramp,,,,)";

/* The rows of a call whose outcome is ok; NULL after complaining. */
static struct rows *call(struct database *database, const char *function, const char *const *values,
                         int count)
{
    struct rows *rows = database_call(database, function, values, count);
    if (rows == NULL) {
        complain("%s: %s", function, database_error(database));
    } else if (rows_count(rows) != 1 || strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0) {
        complain("%s: %s %s", function,
                 rows_count(rows) > 0 ? rows_text(rows, 0, COLUMN_OUTCOME) : "no answer",
                 rows_count(rows) > 0 ? rows_text(rows, 0, COLUMN_FACTS) : "");
        database_release(rows);
        rows = NULL;
    }
    return rows;
}

static bool done(struct rows *rows)
{
    database_release(rows);
    return rows != NULL;
}

/* Whether the database has any token; -1 after complaining. */
static int has_tokens(struct database *database)
{
    const char *const values[] = {NULL, "1", "operator", NULL, NULL};
    struct rows *rows = database_call(database, "token_list", values, 5);
    if (rows == NULL) {
        complain("token_list: %s", database_error(database));
        return -1;
    }
    int count = rows_count(rows);
    database_release(rows);
    return count > 0;
}

/* Whether the token lives; its customer's id is then copied into customer. -1 after complaining. */
static int knows_token(struct database *database, const char *text, char customer[37])
{
    struct token token;
    if (!token_read(&token, text)) {
        complain("a token in credentials.new is damaged; remove that file");
        return -1;
    }
    char sha256[DIGEST_TEXT];
    hex_write(sha256, token.sha256, sizeof token.sha256);
    const char *const values[] = {token.key_id};
    struct rows *rows = database_call(database, "token_check", values, 1);
    if (rows == NULL) {
        complain("token_check: %s", database_error(database));
        return -1;
    }
    /* After outcome and facts: id, sha256, role, customer_id. */
    int known = rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0 &&
                strcmp(rows_text(rows, 0, COLUMN_FIRST + 1), sha256) == 0;
    if (known)
        snprintf(customer, 37, "%s", rows_text(rows, 0, COLUMN_FIRST + 3));
    database_release(rows);
    return known;
}

static bool token_add(struct database *database, const char *text, const char *role,
                      const char *customer, const char *for_partner)
{
    struct token token;
    if (!token_read(&token, text)) {
        complain("a token in credentials.new is damaged; remove that file");
        return false;
    }
    char sha256[DIGEST_TEXT];
    hex_write(sha256, token.sha256, sizeof token.sha256);
    const char *const values[] = {caller,      token.key_id, sha256, role, customer,
                                  for_partner, description,  NULL,   NULL, NULL};
    return done(call(database, "token_create", values, 10));
}

static bool catalogue_add(struct database *database)
{
    size_t line = 0;
    json_t *catalogue = catalogue_read((const char *)catalogue_text, catalogue_text_length, &line);
    if (catalogue == NULL) {
        complain("the catalogue is damaged in line %zu", line);
        return false;
    }
    char *text = json_dumps(catalogue, JSON_COMPACT);
    if (text == NULL)
        abort();
    const char *const values[] = {text};
    bool good = done(call(database, "catalogue_load", values, 1));
    if (good)
        progress("catalogue", "%zu peering locations, %zu partners",
                 json_array_size(json_object_get(catalogue, "locations")),
                 json_array_size(json_object_get(catalogue, "partners")));
    free(text);
    json_decref(catalogue);
    return good;
}

static bool secret_add(struct database *database, const char *secret)
{
    struct arena *arena = arena_new();
    const char *sealed = seal_close(arena, secret, arena_printf(arena, "callback:%s", partner));
    const char *const values[] = {caller, partner, NULL, sealed, "0"};
    if (sealed == NULL)
        complain("the system gives no randomness; no secret can be sealed");
    bool good = sealed != NULL && done(call(database, "callback_secret_rotate", values, 5));
    arena_free(arena);
    return good;
}

static bool credentials_add(struct database *database, const json_t *made)
{
    char customer[37] = "";
    const char *const values[] = {caller, customer_name};
    struct rows *rows = call(database, "customer_create", values, 2);
    if (rows == NULL)
        return false;
    snprintf(customer, sizeof customer, "%s", rows_text(rows, 0, COLUMN_FIRST));
    database_release(rows);
    return token_add(database, member(made, "operatorToken"), "operator", NULL, NULL) &&
           token_add(database, member(made, "customerToken"), "customer", customer, NULL) &&
           token_add(database, member(made, "partnerToken"), "partner", NULL, partner) &&
           secret_add(database, member(made, "partnerSecret"));
}

/* --- the steps --- */

/* Put made into the database unless it is there already; *others when somebody else's are. */
static bool enter(struct database *database, const json_t *made, bool *others)
{
    char ignored[37];
    *others = false;
    bool good = database_run(database, "BEGIN") && database_run(database, TURN_SQL);
    if (!good)
        complain("%s", database_error(database));
    int known = good ? knows_token(database, member(made, "operatorToken"), ignored) : -1;
    int tokens = known == 0 ? has_tokens(database) : 0;
    *others = known == 0 && tokens > 0;
    good = known >= 0 && tokens >= 0 &&
           (known || *others || (catalogue_add(database) && credentials_add(database, made)));
    if (good && !database_run(database, "COMMIT")) {
        complain("%s", database_error(database));
        good = false;
    }
    return good;
}

static bool complete(const struct state *state, struct database *database, json_t *made)
{
    char customer[37] = "";
    bool others = false;
    if (!enter(database, made, &others))
        return false;
    if (!others) {
        if (knows_token(database, member(made, "customerToken"), customer) < 0)
            return false;
        json_object_set_new(made, "customerId", json_string(customer));
        if (!file_write(state, "credentials", made))
            return false;
        progress("credentials", "in %s/credentials", state->directory);
    }
    file_remove(state, "credentials.new");
    return true;
}

bool first_start(const struct state *state, const struct storage *storage)
{
    char *error = NULL;
    bool good = false;
    json_t *made = file_read(state, "credentials.new");
    struct database *database = database_open(storage->daemon, &error);
    if (database == NULL) {
        complain("cannot connect to the database as %s: %s", "onramp_daemon", error);
        goto done;
    }
    if (made == NULL) {
        int tokens = has_tokens(database);
        good = tokens > 0;
        if (tokens != 0)
            goto done;
        made = credentials_make();
        if (made == NULL || !file_write(state, "credentials.new", made))
            goto done;
    }
    good = complete(state, database, made);
done:
    free(error);
    database_close(database);
    json_decref(made);
    return good;
}
