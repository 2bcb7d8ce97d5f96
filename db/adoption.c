/* SPDX-License-Identifier: Apache-2.0 */
#include "db/adoption.h"

#include "db/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files of before 0.2.0 as they were last. */
static const struct earlier {
    const char *name, *sha256;
} earlier[] = {
    {"0001_roles", "f888ba5351b899b32988837397fa4aa1d71ff5e62e25ac8a8b325ac0bb328d48"},
    {"0002_identifiers", "3fc78560dcb915a272410361383319f1b58a124c0c958bd5b63ceaea7f4d9ab3"},
    {"0003_customers", "4b0f648b4423c65548f27b78e1f30b854521e870c79fe9f63aa83e8eabf29f24"},
    {"0004_partners", "f9c99325fdc3f142fdaef41071dd133e7875f30827761aa8a475ffc8df393c0c"},
    {"0005_tokens", "781c2e265685182312f73e9fc393b4d1227a03448fb572ac0b0cad3c6c082cb4"},
    {"0006_limits", "dc3e7779d10a9df14cc0e4eb2903d817f5b60c41447ff4979438d020145c33ff"},
    {"0007_provider_transition",
     "cf01e9a21f78826de00342b56ca302154f9cc9cabde9684a29f2ecf4042aada2"},
    {"0008_circuits", "7bbd0a56baba263675987f0e104f49cf7bca3bc762a67e70647369eb47e502d7"},
    {"0009_vnets", "5cc41517672476e4e3e152389a51f134ffc4f2658f2b3fd4e09c49befb650fb1"},
    {"0010_connections", "73542879cdc32697ea38b7e566833b221a807841f02e85286281e5eabf3aba53"},
    {"0011_callbacks", "e08d31eb96b3e98184bb3d73e9f0e3729e3c1250b7505d60d0718e91c519cd79"},
    {"0012_views", "b057b3eeeefed9df7214c4dfb4262fb585864162e26fa1ff408d50ade6ff8d33"},
    {"0020_idempotency", "b927ce37e238d8a2160cffdb6eca96bb50ef10fadcba77e8f986250f93204e3b"},
    {"0021_service_keys", "fb00dd7e2b3d7a75432431d1b21c104616101f292ecda5934546a601cdf254d2"},
    {"0022_authorizations", "1a6779055fb2cda5c261a32f0569bf5f1c325ae91e6f5995a12a0d53b6d6833c"},
    {"0023_quotas", "c2ad79f2a2971f0f570d16d7d5697cbde1187a4cdca262361960fae1a4afec1a"},
    {"0025_event_months", "b728f12865d18873752294371c88197ab67133f30beeca091bafc5452bfb5c66"},
    {"0030_feed", "8ca4067c47caee43560c0e954cfd39b4621316d8ff6b5041ff5e144a7e94fe01"},
    {"0035_lists", "eee5819b9c0a706c6f00db0d795f7fa8f569ce4bdb6a963d6592d2d90cd4b137"},
    {"0040_webhooks", "6a5b438237815d8c6350f5df958dad6123929de786ff49f498c7fdf4bdde8c16"},
    {"0047_seal_keys", "be8e25bf77c1c75461e2dd989c0f2f475f958d7f7889ffee40fb3a3737b5e942"},
    {"0050_retention", "56567a6ba8babafee0e97cf6d30d0e6aa083c1639e70c3b2605624d4cde0a1f3"},
    {"0055_beginnings", "ff8de8b2aca79b6ce3f356b4d8d9726385a2fcaa6780d77036f1ad3d7949b01e"},
    {"0056_connection_sets", "99470d6f58e0b01554fed170060e804938bc9b6b596b885a0f9f73898a649a72"},
    {"0057_row_guards", "c43534928652cdcefc888a55d0e00d5243d72a6d29a42eb463c5966a8871d9b8"},
};
enum { EARLIER = sizeof earlier / sizeof *earlier, SHOWN_MAX = 5 };

const char adoption_last[] = "0019_answers";

/* The row that the runner keeps for all functions together. */
static const char functions_name[] = "functions";

/* migrations/adoption/ */
extern const unsigned char adoption_catalogue_sql[], adoption_catalogue_txt[];

/* What the first schema says otherwise. The earlier files left this constraint to be validated by
 * the first server that started, which had sealed by then what was older. */
static const char seal_sql[] =
    "ALTER TABLE callback_secrets VALIDATE CONSTRAINT a_callback_secret_is_sealed;"
    "DROP FUNCTION IF EXISTS secret_seal_validate()";

/* How the catalogue is worded. */
static const char wording_sql[] =
    "SET LOCAL DateStyle = ISO; SET LOCAL IntervalStyle = postgres; SET LOCAL TimeZone = UTC;"
    "SET LOCAL quote_all_identifiers = off";

__attribute__((format(printf, 2, 3))) static bool refuse(char **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(error, format, arguments) < 0)
        abort();
    va_end(arguments);
    return false;
}

static const struct earlier *earlier_named(const char *name)
{
    for (size_t i = 0; i < EARLIER; i++)
        if (strcmp(earlier[i].name, name) == 0)
            return &earlier[i];
    return NULL;
}

const char *adoption_sha256(const char *name)
{
    const struct earlier *file = earlier_named(name);
    return file != NULL ? file->sha256 : NULL;
}

bool adoption_complete(const struct rows *rows, char **error)
{
    bool there[EARLIER] = {false};
    for (int i = 0; i < rows_count(rows); i++) {
        const char *name = rows_text(rows, i, 0), *sha256 = rows_text(rows, i, 1);
        const struct earlier *file = earlier_named(name);
        if (strcmp(name, functions_name) == 0)
            continue;
        if (file == NULL)
            return refuse(error,
                          "This database holds migrations of before 0.2.0 and also %s, which is"
                          " none of them: it cannot be adopted.",
                          name);
        if (strcmp(file->sha256, sha256) != 0)
            return refuse(error,
                          "This database holds migrations of before 0.2.0, and %s was applied here"
                          " with the SHA-256 %s. A database can be adopted that has it with %s.",
                          name, sha256, file->sha256);
        there[file - earlier] = true;
    }
    for (size_t i = 0; i < EARLIER; i++)
        if (!there[i])
            return refuse(error,
                          "This database holds migrations of before 0.2.0, but %s has not been"
                          " applied here: it cannot be adopted before the last version of then"
                          " has migrated it.",
                          earlier[i].name);
    return true;
}

/* The first differences between the catalogue and the one that is expected, as (object, expected,
 * found, how many in all). */
static struct rows *differences(struct database *database)
{
    char *sql = NULL;
    if (asprintf(&sql,
                 "WITH found AS (%s), expected AS ("
                 " SELECT split_part(line, E'\\t', 1) COLLATE \"C\" AS object,"
                 "  split_part(line, E'\\t', 2) AS definition"
                 " FROM string_to_table($1, E'\\n') AS line WHERE line <> '')"
                 "SELECT object, coalesce(expected.definition, 'nothing'),"
                 " coalesce(found.definition, 'nothing'), count(*) OVER ()"
                 " FROM expected FULL JOIN found USING (object)"
                 " WHERE expected.definition IS DISTINCT FROM found.definition"
                 " ORDER BY object <> 'server', object LIMIT %d",
                 (const char *)adoption_catalogue_sql, SHOWN_MAX) < 0)
        abort();
    const char *const values[] = {(const char *)adoption_catalogue_txt};
    struct rows *rows = database_query(database, sql, values, 1);
    free(sql);
    return rows;
}

static bool refuse_differences(char **error, const struct rows *rows)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort();
    fprintf(out, "This database holds the migrations of before 0.2.0, but its catalogue is not the"
                 " one that they make, so it cannot be adopted.");
    if (strcmp(rows_text(rows, 0, 0), "server") == 0)
        fprintf(out, " That is compared as another version of PostgreSQL words it: adopt the"
                     " database there, and upgrade PostgreSQL afterwards.");
    fprintf(out, " Differences: %s. The first:", rows_text(rows, 0, 3));
    for (int i = 0; i < rows_count(rows); i++)
        fprintf(out, "\n  %s\n    expected: %s\n    found: %s", rows_text(rows, i, 0),
                rows_text(rows, i, 1), rows_text(rows, i, 2));
    if (fclose(out) != 0)
        abort();
    *error = text;
    return false;
}

static bool refuse_plainly(struct database *database, char **error)
{
    return refuse(error, "The database said: %s.", database_error(database));
}

bool adoption_take(struct database *database, char **error)
{
    if (!database_run(database, seal_sql)) {
        if (strcmp(database_sqlstate(database), "23514") != 0)
            return refuse_plainly(database, error);
        return refuse(error, "This database holds callback secrets that are not sealed. The last"
                             " version of before 0.2.0 seals them when it starts: start it once"
                             " before the database is adopted.");
    }
    if (!database_run(database, wording_sql))
        return refuse_plainly(database, error);
    struct rows *rows = differences(database);
    if (rows == NULL)
        return refuse_plainly(database, error);
    bool same = rows_count(rows) == 0;
    if (!same)
        refuse_differences(error, rows);
    database_release(rows);
    return same && (database_run(database, "DELETE FROM onramp.migrations") ||
                    refuse_plainly(database, error));
}
