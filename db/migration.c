/* SPDX-License-Identifier: Apache-2.0 */
#include "db/migration.h"

#include "crypto/hex.h"
#include "db/adoption.h"
#include "db/database.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIGEST = 32, HEX = 2 * DIGEST + 1 };

/* One lock for all runners of a database; the number is "onramp" in ASCII. */
#define LOCK_SQL "SELECT pg_try_advisory_lock(122524684610928)"
static const struct timespec lock_pause = {.tv_nsec = 100 * 1000 * 1000};

/* The row that stands for the functions as a whole. Numbered files begin with a digit. */
static const char functions_name[] = "functions";
static const char functions_folder[] = "functions/";

/* How a line of a chapter includes a function; the licence is its first line, so one stands before.
 */
static const char include[] = "\n\\ir functions/";

static const char session_sql[] =
    "SET client_min_messages = warning; SET statement_timeout = 0;"
    "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = 0;"
    "SET DateStyle = ISO; SET TimeZone = UTC";

static const char table_sql[] =
    "CREATE TABLE IF NOT EXISTS onramp.migrations ("
    " name text PRIMARY KEY,"
    " sha256 bytea NOT NULL CONSTRAINT a_sha256_has_32_octets CHECK (octet_length(sha256) = 32),"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp());"
    "COMMENT ON TABLE onramp.migrations IS"
    " 'Which files of migrations/ have been applied here; kept by the program itself.';"
    "COMMENT ON COLUMN onramp.migrations.name IS"
    " 'Name of the file without .sql; functions stands for all of migrations/functions together.';"
    "COMMENT ON COLUMN onramp.migrations.sha256 IS 'SHA-256 of its text when it was applied.';"
    "COMMENT ON COLUMN onramp.migrations.applied_at IS 'When it was applied.'";

/* A role that may create roles has to be made a member of those that it acts as. */
static const char member_sql[] = "DO $$ DECLARE r text; BEGIN"
                                 " FOREACH r IN ARRAY ARRAY['onramp_owner', 'onramp_daemon'] LOOP"
                                 "  IF NOT pg_has_role(session_user, r, 'USAGE') THEN"
                                 "   EXECUTE format('GRANT %I TO %I', r, session_user);"
                                 "  END IF;"
                                 " END LOOP; END $$";

struct run {
    struct migration *out;
    struct database *database;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    free(run->out->error);
    if (vasprintf(&run->out->error, format, arguments) < 0)
        abort();
    va_end(arguments);
    return false;
}

static bool refuse_plainly(struct run *run)
{
    return refuse(run, "The database said: %s.", database_error(run->database));
}

/* SHA-256 of count files. The names count only among several: one file's name is its key. */
static void digest_files(char hex[HEX], const struct migration_file *files, size_t count)
{
    unsigned char digest[DIGEST];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            EVP_DigestUpdate(context, files[i].name, strlen(files[i].name) + 1);
        EVP_DigestUpdate(context, files[i].text, *files[i].length);
    }
    if (EVP_DigestFinal_ex(context, digest, NULL) != 1)
        abort();
    EVP_MD_CTX_free(context);
    hex_write(hex, digest, DIGEST);
}

/* --- the lock --- */

static bool lock(struct run *run, bool (*cancelled)(void))
{
    for (;;) {
        struct rows *rows = database_query(run->database, LOCK_SQL, NULL, 0);
        if (rows == NULL)
            return refuse_plainly(run);
        bool ours = rows_text(rows, 0, 0)[0] == 't';
        database_release(rows);
        if (ours)
            return true;
        if (cancelled != NULL && cancelled())
            return refuse(run, "Interrupted while another onramp migrates this database.");
        nanosleep(&lock_pause, NULL);
    }
}

/* --- what has been applied --- */

/* SHA-256 (hex) and time of the named row, "" when there is none; rows is (name, sha256, at). */
static const char *applied(const struct rows *rows, const char *name, const char **at)
{
    for (int i = 0; rows != NULL && i < rows_count(rows); i++)
        if (strcmp(rows_text(rows, i, 0), name) == 0) {
            *at = rows_text(rows, i, 2);
            return rows_text(rows, i, 1);
        }
    return "";
}

static bool known(const char *name)
{
    if (strcmp(name, functions_name) == 0)
        return true;
    for (size_t i = 0; i < migration_file_count; i++)
        if (strcmp(migration_files[i].name, name) == 0)
            return true;
    return false;
}

/* The rows of onramp.migrations, NULL when there is no such table yet. */
static bool applied_read(struct run *run, struct rows **out)
{
    struct rows *rows =
        database_query(run->database,
                       "SELECT 1 FROM pg_class WHERE relname = 'migrations' AND relnamespace ="
                       " (SELECT oid FROM pg_namespace WHERE nspname = 'onramp')",
                       NULL, 0);
    *out = NULL;
    if (rows == NULL)
        return refuse_plainly(run);
    bool there = rows_count(rows) > 0;
    database_release(rows);
    if (!there)
        return true;
    *out = database_query(run->database,
                          "SELECT name, encode(sha256, 'hex'), applied_at FROM onramp.migrations"
                          " ORDER BY name",
                          NULL, 0);
    if (*out != NULL)
        return true;
    run->out->unchecked = strcmp(database_sqlstate(run->database), "42501") == 0;
    return run->out->unchecked || refuse_plainly(run);
}

static bool history_check(struct run *run, const struct rows *rows)
{
    for (int i = 0; rows != NULL && i < rows_count(rows); i++)
        if (!known(rows_text(rows, i, 0)))
            return refuse(run,
                          "This database has the migration %s, which this program does not know: a"
                          " newer onramp has migrated it. Start that version; there is no way"
                          " back.",
                          rows_text(rows, i, 0));
    bool missing = false;
    const char *first_missing = "";
    for (size_t i = 0; i < migration_file_count; i++) {
        char hex[HEX];
        const char *at = "";
        const char *before = applied(rows, migration_files[i].name, &at);
        digest_files(hex, &migration_files[i], 1);
        if (before[0] == '\0') {
            if (!missing)
                first_missing = migration_files[i].name;
            missing = true;
        } else if (strcmp(before, hex) != 0) {
            return refuse(run,
                          "The migration %s was edited after it had been applied here (at %s). A"
                          " landed migration is never edited: restore its text and put the change"
                          " into a new file.",
                          migration_files[i].name, at);
        } else if (missing) {
            return refuse(run,
                          "The migration %s has not been applied here but %s, which comes after"
                          " it, has. A new migration takes the next number.",
                          first_missing, migration_files[i].name);
        }
    }
    return true;
}

/* --- applying --- */

static size_t line_at(const char *text, size_t position)
{
    size_t line = 1;
    for (size_t i = 0; i + 1 < position && text[i] != '\0'; i++)
        line += text[i] == '\n';
    return line;
}

/* Refuse for what the database says of what stands in the file from offset on. */
static bool refuse_file(struct run *run, const char *folder, const struct migration_file *file,
                        size_t offset)
{
    const char *error = database_error(run->database);
    size_t position = database_position(run->database);
    char where[32] = "";
    if (position > 0)
        snprintf(where, sizeof where, ", line %zu",
                 line_at((const char *)file->text, offset + position));
    bool denied = strcmp(database_sqlstate(run->database), "42501") == 0;
    refuse(run, "The file %s%s.sql%s could not be applied: %s.%s", folder, file->name, where, error,
           denied ? " The role that migrates needs more rights: as a superuser run"
                    " ALTER ROLE it CREATEROLE and GRANT CREATE ON DATABASE this TO it, or migrate"
                    " once as a superuser with: onramp migrate --database URL."
                  : "");
    database_run(run->database, "ROLLBACK");
    return false;
}

static bool begin(struct run *run, bool as_owner)
{
    return (database_run(run->database, "BEGIN; SET LOCAL search_path = onramp, public") &&
            (!as_owner || database_run(run->database, "SET LOCAL ROLE onramp_owner"))) ||
           refuse_plainly(run);
}

/* Run what stands in the file from offset on, length octets of it. */
static bool part_run(struct run *run, const char *folder, const struct migration_file *file,
                     size_t offset, size_t length)
{
    char *part = strndup((const char *)file->text + offset, length);
    if (part == NULL)
        abort();
    bool good = database_run(run->database, part);
    free(part);
    if (!good)
        return refuse_file(run, folder, file, offset);
    if (database_in_transaction(run->database))
        return true;
    return refuse(run, "The file %s%s.sql ends its transaction; it must not.", folder, file->name);
}

static bool function_run(struct run *run, const struct migration_file *function)
{
    return part_run(run, functions_folder, function, 0, *function->length);
}

/* The function of this name, which is length octets long. */
static const struct migration_file *function_named(const char *name, size_t length)
{
    for (size_t i = 0; i < function_file_count; i++)
        if (strlen(function_files[i].name) == length &&
            strncmp(function_files[i].name, name, length) == 0)
            return &function_files[i];
    return NULL;
}

/* Run a chapter, and in the place of each line \ir the function that it names. */
static bool chapter_run(struct run *run, const struct migration_file *file)
{
    const char *text = (const char *)file->text;
    const char *from = text;
    for (const char *line; (line = strstr(from, include)) != NULL;) {
        const char *name = line + sizeof include - 1;
        size_t length = strcspn(name, ".\n");
        const struct migration_file *function = function_named(name, length);
        if (function == NULL)
            return refuse(run, "The file %s.sql includes %s%.*s.sql, which there is not.",
                          file->name, functions_folder, (int)length, name);
        if (!part_run(run, "", file, (size_t)(from - text), (size_t)(line - from)) ||
            !function_run(run, function))
            return false;
        from = name + strcspn(name, "\n");
    }
    return part_run(run, "", file, (size_t)(from - text), strlen(from));
}

static bool note(struct run *run, const char *name, const char *hex)
{
    const char *const values[] = {name, hex};
    struct rows *rows =
        database_query(run->database,
                       "INSERT INTO onramp.migrations (name, sha256) VALUES ($1, decode($2, 'hex'))"
                       " ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, applied_at ="
                       " clock_timestamp()",
                       values, 2);
    database_release(rows);
    return rows != NULL || refuse_plainly(run);
}

/* --- adoption --- */

/* Whether a row is of before 0.2.0 and not of ours: some files have the name of an earlier one. */
static bool adoption_wanted(const struct rows *rows)
{
    for (int i = 0; rows != NULL && i < rows_count(rows); i++) {
        const char *name = rows_text(rows, i, 0), *sha256 = rows_text(rows, i, 1);
        const char *earlier = adoption_sha256(name);
        char ours[HEX] = "";
        for (size_t j = 0; j < migration_file_count; j++)
            if (strcmp(migration_files[j].name, name) == 0)
                digest_files(ours, &migration_files[j], 1);
        if (earlier != NULL && strcmp(ours, sha256) != 0 &&
            (ours[0] == '\0' || strcmp(earlier, sha256) == 0))
            return true;
    }
    return false;
}

/* Adopt a database whose rows are these; they are replaced by those of the first schema. */
static bool adopt(struct run *run, struct rows **rows)
{
    if (!adoption_complete(*rows, &run->out->error) || !begin(run, true))
        return false;
    bool good = adoption_take(run->database, &run->out->error);
    for (size_t i = 0; good && i < migration_file_count; i++) {
        char hex[HEX];
        digest_files(hex, &migration_files[i], 1);
        good = strcmp(migration_files[i].name, adoption_last) > 0 ||
               note(run, migration_files[i].name, hex);
    }
    if (!database_run(run->database, good ? "COMMIT" : "ROLLBACK") && good)
        good = refuse_plainly(run);
    run->out->adopted = good;
    database_release(*rows);
    *rows = NULL;
    return good && applied_read(run, rows);
}

/* --- running --- */

static bool numbered_apply(struct run *run, size_t index)
{
    const struct migration_file *file = &migration_files[index];
    char hex[HEX];
    digest_files(hex, file, 1);
    /* The first makes the roles and the schema; the table of what was applied comes with it. */
    if (!begin(run, index > 0) || !chapter_run(run, file))
        return false;
    if (index == 0 && (!database_run(run->database, member_sql) ||
                       !database_run(run->database, "SET LOCAL ROLE onramp_owner") ||
                       !database_run(run->database, table_sql)))
        return refuse_file(run, "", file, 0);
    /* Views may have been dropped with their functions: these have to come again. */
    if (!database_run(run->database, "DELETE FROM onramp.migrations WHERE name = 'functions'"))
        return refuse_plainly(run);
    if (!note(run, file->name, hex))
        return false;
    if (!database_run(run->database, "COMMIT"))
        return refuse_file(run, "", file, 0);
    run->out->applied++;
    return true;
}

/* Functions that nothing else is made of come anew, whatever parameters and results they had, and
 * those that there are no more are gone. CREATE OR REPLACE would keep a form with other parameters
 * beside the new one, and refuses another result. */
static const char functions_drop_sql[] =
    "DO $$ DECLARE f regprocedure; BEGIN"
    " FOR f IN SELECT p.oid FROM pg_proc p"
    "  WHERE p.pronamespace = 'onramp'::regnamespace AND p.proowner = 'onramp_owner'::regrole"
    "  AND NOT EXISTS (SELECT FROM pg_depend d"
    "   WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid) LOOP"
    "  EXECUTE 'DROP ROUTINE ' || f;"
    " END LOOP; END $$";

/* A function in SQL may call one that comes behind it, so bodies are checked when all are there. */
static const char functions_check_sql[] =
    "SET LOCAL check_function_bodies = on;"
    " DO $$ BEGIN"
    "  PERFORM fmgr_sql_validator(p.oid) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
    "  WHERE p.pronamespace = 'onramp'::regnamespace AND p.proowner = 'onramp_owner'::regrole"
    "  AND l.lanname = 'sql';"
    "  PERFORM plpgsql_validator(p.oid) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
    "  WHERE p.pronamespace = 'onramp'::regnamespace AND p.proowner = 'onramp_owner'::regrole"
    "  AND l.lanname = 'plpgsql';"
    " END $$";

static bool functions_apply(struct run *run, const char *hex)
{
    if (!begin(run, true))
        return false;
    if (!database_run(run->database, functions_drop_sql) ||
        !database_run(run->database, "SET LOCAL check_function_bodies = off"))
        return refuse_plainly(run);
    for (size_t i = 0; i < function_file_count; i++)
        if (!function_run(run, &function_files[i]))
            return false;
    if (!database_run(run->database, functions_check_sql))
        return refuse_plainly(run);
    if (!note(run, functions_name, hex))
        return false;
    if (!database_run(run->database, "COMMIT"))
        return refuse_plainly(run);
    run->out->functions = true;
    return true;
}

/* Say what to grant before anything is tried. */
static bool rights_check(struct run *run)
{
    struct rows *rows = database_query(
        run->database,
        "SELECT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)"
        " OR (SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('onramp_owner', 'onramp_daemon')"
        "  AND pg_has_role(current_user, oid, 'USAGE')),"
        " has_database_privilege(current_database(), 'CREATE'), quote_ident(current_user),"
        " quote_ident(current_database())",
        NULL, 0);
    if (rows == NULL)
        return refuse_plainly(run);
    const char *role = rows_text(rows, 0, 2), *database = rows_text(rows, 0, 3);
    bool roles = rows_text(rows, 0, 0)[0] == 't', create = rows_text(rows, 0, 1)[0] == 't';
    if (!roles || !create)
        refuse(run,
               "The role %s may not %s, which the first migration does. As a superuser run:%s%s%s"
               "%s%s%s%s%s",
               role, roles ? "create schemas in this database" : "create roles",
               roles ? "" : "\n  ALTER ROLE ", roles ? "" : role, roles ? "" : " CREATEROLE;",
               create ? "" : "\n  GRANT CREATE ON DATABASE ", create ? "" : database,
               create ? "" : " TO ", create ? "" : role, create ? "" : ";");
    database_release(rows);
    return roles && create;
}

/* A server that stood still for months would find no room for the events of its first requests. */
static bool room_make(struct run *run)
{
    return begin(run, true) &&
           (database_run(run->database, "SELECT event_months_extend(); COMMIT") ||
            refuse_plainly(run));
}

static bool run_all(struct run *run)
{
    struct rows *rows = NULL;
    char hex[HEX];
    const char *at;
    bool good = applied_read(run, &rows) && (!adoption_wanted(rows) || adopt(run, &rows)) &&
                history_check(run, rows);
    if (!good || run->out->unchecked)
        goto done;
    digest_files(hex, function_files, function_file_count);
    bool functions = strcmp(applied(rows, functions_name, &at), hex) != 0;
    if (rows == NULL && migration_file_count > 0)
        good = rights_check(run);
    for (size_t i = 0; good && i < migration_file_count; i++)
        if (applied(rows, migration_files[i].name, &at)[0] == '\0')
            good = numbered_apply(run, i);
    if (good && (functions || run->out->applied > 0))
        good = functions_apply(run, hex);
    if (good && migration_file_count > 0)
        good = room_make(run);
done:
    database_release(rows);
    return good;
}

bool migrate(struct migration *out, const char *conninfo, bool (*cancelled)(void))
{
    struct run run = {.out = out};
    memset(out, 0, sizeof *out);
    out->known = (int)migration_file_count;
    run.database = database_open(conninfo, &out->error);
    if (run.database == NULL)
        return false;
    bool good = (database_run(run.database, session_sql) || refuse_plainly(&run)) &&
                lock(&run, cancelled) && run_all(&run);
    database_close(run.database);
    return good;
}
