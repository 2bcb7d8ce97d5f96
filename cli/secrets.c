/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secrets.h"

#include "base/arena.h"
#include "cli/command.h"
#include "crypto/seal.h"
#include "db/database.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Who changes the file and the keys of the database takes this turn: "seal" in ASCII. */
#define TURN_SQL     "SELECT pg_advisory_lock(1935827308)"
#define TURN_END_SQL "SELECT pg_advisory_unlock(1935827308)"
/* And one rotation at a time: "rota". */
#define ROTATION_SQL "SELECT pg_try_advisory_lock(1919906913)"

#define BATCH        "500"               /* secrets sealed anew in one transaction */
enum { PATIENCE = 1500, PAUSE_MS = 20 }; /* with rows that somebody else has locked */

static const char *const kinds[] = {"callback", "webhook"};

/* The columns of seal_key_list, and of secret_stale_list. */
enum { KEY_ID = COLUMN_FIRST, KEY_PROOF, KEY_USED };
enum { SECRET_ID = COLUMN_FIRST, SECRET_CONTEXT, SECRET_SEALED };

/* What a start or a rotation works with. */
struct work {
    const char *path;
    struct database *database;
    struct arena *arena;
    struct seal_keys keys; /* of the file */
};

const char *secrets_place(char path[PATH_MAX], const struct state *state,
                          const struct settings *settings)
{
    if (settings->secrets_key != NULL) {
        snprintf(path, PATH_MAX, "%s", settings->secrets_key);
        return path;
    }
    json_t *running = state_running_read(state);
    int process = running != NULL ? state_process(running) : -1;
    const char *used = json_string_value(json_object_get(running, "secretsKey"));
    if (process >= 0 && used != NULL)
        snprintf(path, PATH_MAX, "%s", used);
    else
        state_path(path, state, "secrets.key");
    if (process >= 0)
        close(process);
    json_decref(running);
    return path;
}

static bool work_begin(struct work *work, const char *path, const struct storage *storage)
{
    char *error = NULL;
    *work = (struct work){.path = path, .arena = arena_new()};
    work->database = database_open(storage->daemon, &error);
    if (work->database == NULL)
        complain("cannot connect to the database: %s", error);
    free(error);
    return work->database != NULL;
}

static void work_end(struct work *work)
{
    database_close(work->database); /* and with it its locks */
    seal_keys_cleanse(&work->keys);
    arena_free(work->arena);
}

static bool run(struct work *work, const char *sql)
{
    bool good = database_run(work->database, sql);
    if (!good)
        complain("%s", database_error(work->database));
    return good;
}

/* The rows of a call, all of outcome ok; NULL after complaining. */
static struct rows *call(struct work *work, const char *function, const char *const *values,
                         int count)
{
    struct rows *rows = database_call(work->database, function, values, count);
    if (rows == NULL)
        complain("%s: %s", function, database_error(work->database));
    return rows;
}

static bool file_read(struct work *work)
{
    char *error = NULL;
    bool good = seal_keys_read(&work->keys, work->path, &error);
    if (!good)
        complain("%s", error);
    free(error);
    return good;
}

static bool file_write(struct work *work, const struct seal_keys *keys)
{
    char *error = NULL;
    bool good = seal_keys_write(keys, work->path, &error);
    if (!good)
        complain("%s", error);
    free(error);
    return good;
}

static bool keys_load(struct work *work)
{
    char *error = NULL;
    bool good = seal_keys_load(work->path, &error);
    if (!good)
        complain("%s", error);
    free(error);
    return good;
}

static bool key_new(struct seal_key *out)
{
    bool good = seal_key_new(out);
    if (!good)
        complain("the system gives no randomness; no key can be made");
    return good;
}

/* --- the keys that the database knows --- */

static bool listed(const struct rows *known, const char *id)
{
    for (int row = 0; row < rows_count(known); row++)
        if (strcmp(rows_text(known, row, KEY_ID), id) == 0)
            return true;
    return false;
}

static bool missing(const struct work *work, const char *id)
{
    complain("the database holds secrets that are sealed with the key %s, which is not in %s; give "
             "the file that has it: --secrets-key FILE",
             id, work->path);
    return false;
}

/* Whether the file has every key that is in use, and at least one that is known. */
static bool keys_suffice(struct work *work, const struct rows *known)
{
    int common = 0;
    for (int row = 0; row < rows_count(known); row++) {
        const char *id = rows_text(known, row, KEY_ID);
        const struct seal_key *key = seal_keys_find(&work->keys, id, strlen(id));
        if (key == NULL && strcmp(rows_text(known, row, KEY_USED), "t") == 0)
            return missing(work, id);
        if (key == NULL)
            continue;
        if (!seal_key_proves(work->arena, key, rows_text(known, row, KEY_PROOF))) {
            complain("the key %s in %s is not the one that the database knows by this id; give the "
                     "file that has it: --secrets-key FILE",
                     id, work->path);
            return false;
        }
        common++;
    }
    return common > 0 || rows_count(known) == 0 || missing(work, rows_text(known, 0, KEY_ID));
}

static bool key_add(struct work *work, const struct seal_key *key)
{
    const char *const values[] = {key->id, seal_key_prove(work->arena, key)};
    struct rows *rows = call(work, "seal_key_add", values, 2);
    database_release(rows);
    return rows != NULL;
}

/* A fact of the one row that a call answers; NULL after complaining. The caller gives it back with
 * json_decref. */
static json_t *fact(struct work *work, const char *function, const char *value, const char *name)
{
    struct rows *rows = call(work, function, &value, 1);
    if (rows == NULL)
        return NULL;
    json_t *facts = json_loads(rows_text(rows, 0, COLUMN_FACTS), 0, NULL);
    json_t *found = json_incref(json_object_get(facts, name));
    if (found == NULL)
        complain("%s: no %s", function, name);
    json_decref(facts);
    database_release(rows);
    return found;
}

/* Whether the key is gone; -1 after complaining. */
static int key_drop(struct work *work, const char *id)
{
    json_t *dropped = fact(work, "seal_key_drop", id, "dropped");
    int answer = dropped == NULL ? -1 : json_is_true(dropped);
    json_decref(dropped);
    return answer;
}

/* --- sealing what is in the database --- */

enum sealing { SEALED, SEALED_ALL, SEALING_FAILED };

/* One row. What does not open is left as it is. */
static bool secret_seal(struct work *work, const char *kind, const struct rows *rows, int row,
                        size_t *closed)
{
    const char *id = rows_text(rows, row, SECRET_ID);
    const char *context = rows_text(rows, row, SECRET_CONTEXT);
    const char *stored = rows_text(rows, row, SECRET_SEALED);
    struct arena *arena = arena_new();
    char *opened = seal_open(arena, stored, context);
    bool good = true;
    if (opened == NULL) {
        const char *key = seal_key_id(arena, stored);
        complain("the secret %s of %s does not open: sealed with the key %s, or changed since", id,
                 context, key != NULL ? key : "(none)");
        ++*closed;
    } else {
        const char *const values[] = {kind, id, seal_close(arena, opened, context)};
        struct rows *done = values[2] != NULL ? call(work, "secret_reseal", values, 3) : NULL;
        good = done != NULL;
        database_release(done);
    }
    if (opened != NULL)
        OPENSSL_cleanse(opened, strlen(opened));
    arena_free(arena);
    return good;
}

/* The next ones behind after, in a transaction; after moves on. */
static enum sealing batch_seal(struct work *work, const char *kind, const char *key_id,
                               char after[37], size_t *sealed, size_t *closed)
{
    const char *const values[] = {kind, key_id, after[0] != '\0' ? after : NULL, BATCH};
    if (!run(work, "BEGIN"))
        return SEALING_FAILED;
    struct rows *rows = call(work, "secret_stale_list", values, 4);
    int count = rows != NULL ? rows_count(rows) : 0;
    size_t closed_before = *closed;
    bool good = rows != NULL;
    for (int row = 0; good && row < count; row++) {
        good = secret_seal(work, kind, rows, row, closed);
        snprintf(after, 37, "%s", rows_text(rows, row, SECRET_ID));
    }
    database_release(rows);
    good = run(work, good ? "COMMIT" : "ROLLBACK") && good;
    if (good)
        *sealed += (size_t)count - (*closed - closed_before);
    return !good ? SEALING_FAILED : count > 0 ? SEALED : SEALED_ALL;
}

/* How many are not sealed with the key of that id; -1 after complaining. */
static long long stale(struct work *work, const char *key_id)
{
    json_t *count = fact(work, "secret_stale_count", key_id, "stale");
    long long answer = count == NULL ? -1 : json_integer_value(count);
    json_decref(count);
    return answer;
}

/* Seal all that is not sealed with the key of that id. Rows that another process has at this moment
 * are passed over, so it is done again until none is left. */
static bool all_seal(struct work *work, const char *key_id, size_t *sealed)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000 * 1000};
    for (int tries = 0; tries < PATIENCE; tries++) {
        size_t closed = 0;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            char after[37] = "";
            enum sealing done;
            do
                done = batch_seal(work, kinds[i], key_id, after, sealed, &closed);
            while (done == SEALED);
            if (done == SEALING_FAILED)
                return false;
        }
        long long left = closed > 0 ? -1 : stale(work, key_id);
        if (left <= 0)
            return left == 0;
        nanosleep(&pause, NULL);
    }
    complain("secrets are held by another process that does not let go of them");
    return false;
}

/* --- the start --- */

static bool file_make(struct work *work)
{
    struct seal_keys keys = {.count = 1};
    bool good = key_new(&keys.items[0]) && file_write(work, &keys);
    if (good)
        progress("secrets", "new key %s in %s", keys.items[0].id, work->path);
    seal_keys_cleanse(&keys);
    return good;
}

static bool keys_agree(struct work *work)
{
    struct rows *known = call(work, "seal_key_list", NULL, 0);
    if (known == NULL)
        return false;
    bool good = true;
    if (access(work->path, F_OK) != 0 && errno == ENOENT)
        good =
            rows_count(known) == 0 ? file_make(work) : missing(work, rows_text(known, 0, KEY_ID));
    good = good && file_read(work) && keys_suffice(work, known) && keys_load(work);
    if (good && !listed(known, work->keys.items[0].id))
        good = key_add(work, &work->keys.items[0]);
    database_release(known);
    return good;
}

bool secrets_start(const char *path, const struct storage *storage)
{
    struct work work;
    bool good = work_begin(&work, path, storage) && run(&work, TURN_SQL) && keys_agree(&work) &&
                run(&work, TURN_END_SQL);
    work_end(&work);
    return good;
}

/* --- rotation --- */

/* The key to seal with goes first, in front of the others. */
static void keys_order(struct seal_keys *keys, const struct seal_key *first)
{
    struct seal_keys ordered = {.count = 1, .items[0] = *first};
    for (size_t i = 0; i < keys->count && ordered.count < SEAL_KEYS_MAX; i++)
        if (strcmp(keys->items[i].id, ordered.items[0].id) != 0)
            ordered.items[ordered.count++] = keys->items[i];
    *keys = ordered;
    seal_keys_cleanse(&ordered);
}

/* Put a fresh key in front. The database hears of it first: unused, it is in nobody's way there,
 * while servers seal with it as soon as it is in the file. */
static bool key_begin(struct work *work)
{
    struct seal_key fresh;
    bool good = key_new(&fresh) && key_add(work, &fresh);
    if (good) {
        keys_order(&work->keys, &fresh);
        good = file_write(work, &work->keys);
    }
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return good;
}

/* Choose the key that everything is to be sealed with. A file of several keys is of a rotation that
 * was interrupted, and its first key is the new one; unless it has one that the database does not
 * know, which somebody has put there to go over to. */
static bool rotation_begin(struct work *work)
{
    struct rows *known = call(work, "seal_key_list", NULL, 0);
    bool good = known != NULL && file_read(work) && keys_suffice(work, known);
    const struct seal_key *given = NULL;
    for (size_t i = 0; good && given == NULL && i < work->keys.count; i++)
        if (!listed(known, work->keys.items[i].id))
            given = &work->keys.items[i];
    if (good && given != NULL) {
        struct seal_key copy = *given;
        keys_order(&work->keys, &copy);
        OPENSSL_cleanse(&copy, sizeof copy);
        good = file_write(work, &work->keys) && key_add(work, &work->keys.items[0]);
    } else if (good && work->keys.count == 1) {
        good = key_begin(work);
    }
    database_release(known);
    return good && keys_load(work);
}

enum dropping { DROPPED, IN_USE, DROPPING_FAILED };

/* Drop all keys but the first, in the file and in the database. The file is written before the
 * database confirms: whatever is interrupted between, no key is missed, and one that is left over
 * in the database goes with the next rotation. */
static enum dropping others_drop(struct work *work)
{
    struct seal_keys last = {.count = 1, .items[0] = work->keys.items[0]};
    enum dropping done = DROPPING_FAILED;
    struct rows *known = NULL;
    if (!run(work, TURN_SQL) || !run(work, "BEGIN"))
        goto done;
    known = call(work, "seal_key_list", NULL, 0);
    if (known == NULL)
        goto done;
    done = DROPPED;
    for (int row = 0; done == DROPPED && row < rows_count(known); row++) {
        const char *id = rows_text(known, row, KEY_ID);
        int dropped = strcmp(id, last.items[0].id) == 0 ? 1 : key_drop(work, id);
        done = dropped < 0 ? DROPPING_FAILED : dropped > 0 ? DROPPED : IN_USE;
    }
    if (done == DROPPED && !file_write(work, &last))
        done = DROPPING_FAILED;
    if (!run(work, done == DROPPED ? "COMMIT" : "ROLLBACK") || !run(work, TURN_END_SQL))
        done = DROPPING_FAILED;
done:
    database_release(known);
    seal_keys_cleanse(&last);
    return done;
}

static bool alone(struct work *work)
{
    struct rows *rows = database_query(work->database, ROTATION_SQL, NULL, 0);
    bool got = rows != NULL && strcmp(rows_text(rows, 0, 0), "t") == 0;
    if (rows == NULL)
        complain("%s", database_error(work->database));
    else if (!got)
        complain("another rotation is under way");
    database_release(rows);
    return got;
}

bool secrets_rotate(const char *path, const struct storage *storage)
{
    struct work work;
    size_t sealed = 0;
    bool good = work_begin(&work, path, storage) && alone(&work) && run(&work, TURN_SQL) &&
                rotation_begin(&work) && run(&work, TURN_END_SQL);
    if (good)
        progress("secrets", "sealing with the key %s", work.keys.items[0].id);
    enum dropping done = IN_USE;
    /* A server that has just sealed with an old key is met again in the next round. */
    while (good && done == IN_USE) {
        good = all_seal(&work, work.keys.items[0].id, &sealed);
        if (good)
            done = others_drop(&work);
    }
    good = good && done == DROPPED;
    if (good)
        progress("secrets", "%zu sealed anew, %s has this key alone", sealed, path);
    else if (work.keys.count > 0)
        complain("the rotation is not complete; the old keys are kept. Do it again to carry on");
    work_end(&work);
    return good;
}
