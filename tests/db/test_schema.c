/* SPDX-License-Identifier: Apache-2.0 */
/* The schema explains itself: comments, names that are sentences; and what the daemon relies on. */
#include "scene.h"

#include <string.h>

static void none(PGresult *rows)
{
    if (PQntuples(rows) > 0)
        ck_abort_msg("%d such, the first: %s", PQntuples(rows), PQgetvalue(rows, 0, 0));
}

START_TEST(every_table_column_view_function_and_domain_has_a_comment)
{
    none(run(owner,
             "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'onramp'::regnamespace "
             "AND relkind IN ('r', 'p', 'v') AND NOT relispartition AND obj_description(oid, "
             "'pg_class') IS NULL"));
    none(run(
        owner,
        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class c "
        "ON c.oid = attrelid WHERE relnamespace = 'onramp'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped AND "
        "col_description(attrelid, attnum) IS NULL"));
    none(run(owner, "SELECT proname FROM pg_proc WHERE pronamespace = 'onramp'::regnamespace AND "
                    "obj_description(oid, 'pg_proc') IS NULL"));
    none(run(owner, "SELECT typname FROM pg_type WHERE typnamespace = 'onramp'::regnamespace AND "
                    "typtype = 'd' AND obj_description(oid, 'pg_type') IS NULL"));
}
END_TEST

START_TEST(constraints_and_guards_are_named_by_sentences)
{
    /* Primary keys aside, which nobody reads about: table_pkey. */
    none(run(owner,
             "SELECT conrelid::regclass || ' ' || conname FROM pg_constraint WHERE connamespace = "
             "'onramp'::regnamespace AND contype NOT IN ('t') "
             "AND conname !~ '_pkey$' AND array_length(string_to_array(conname, '_'), 1) < 4"));
    none(run(owner, "SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger JOIN pg_class c ON "
                    "c.oid = tgrelid WHERE relnamespace = 'onramp'::regnamespace "
                    "AND NOT tgisinternal AND tgname !~ '^A_' AND "
                    "array_length(string_to_array(tgname, '_'), 1) < 4"));
}
END_TEST

/* It fires once for a query and a table, by the columns of whichever UPDATE comes first: a second
 * one in the same query passes it. */
START_TEST(no_trigger_of_a_statement_has_a_list_of_columns)
{
    none(run(owner, "SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT "
                    "tgisinternal AND (tgtype & 1) = 0 AND tgattr <> ''::int2vector"));
}
END_TEST

START_TEST(a_table_has_one_guard_of_its_rows)
{
    none(run(owner, "SELECT tgrelid::regclass FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
                    "WHERE relnamespace = 'onramp'::regnamespace AND NOT tgisinternal "
                    "AND (tgtype & 1) = 1 AND (tgtype & 2) = 2 AND (tgtype & 16) = 16 "
                    "GROUP BY 1 HAVING count(*) > 1"));
}
END_TEST

START_TEST(no_constraint_is_deferrable)
{
    none(run(owner, "SELECT conname FROM pg_constraint WHERE connamespace = 'onramp'::regnamespace "
                    "AND condeferrable"));
}
END_TEST

START_TEST(everything_is_owned_by_a_role_that_can_not_log_in)
{
    none(run(owner, "SELECT oid::regclass FROM pg_class WHERE relnamespace = "
                    "'onramp'::regnamespace AND relowner <> 'onramp_owner'::regrole"));
    none(run(owner, "SELECT rolname FROM pg_roles WHERE rolname = 'onramp_owner' AND (rolcanlogin "
                    "OR rolsuper OR rolbypassrls)"));
    none(run(owner, "SELECT rolname FROM pg_roles WHERE rolname = 'onramp_daemon' AND (NOT "
                    "rolcanlogin OR rolsuper OR rolcreatedb OR rolcreaterole)"));
}
END_TEST

START_TEST(every_answer_begins_with_outcome_and_facts)
{
    none(run(owner, "SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = "
                    "'onramp'::regnamespace AND relkind IN ('v', 'c') AND relname NOT IN "
                    "('list_position', 'event_months', 'caller') "
                    "AND "
                    "(SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ',' ORDER "
                    "BY attnum) FROM pg_attribute "
                    " WHERE attrelid = c.oid AND attnum BETWEEN 1 AND 2) IS DISTINCT FROM 'outcome "
                    "text,facts jsonb'"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *tcase = scene_case(suite, "schema", 30);
    tcase_add_test(tcase, every_table_column_view_function_and_domain_has_a_comment);
    tcase_add_test(tcase, constraints_and_guards_are_named_by_sentences);
    tcase_add_test(tcase, no_trigger_of_a_statement_has_a_list_of_columns);
    tcase_add_test(tcase, a_table_has_one_guard_of_its_rows);
    tcase_add_test(tcase, no_constraint_is_deferrable);
    tcase_add_test(tcase, everything_is_owned_by_a_role_that_can_not_log_in);
    tcase_add_test(tcase, every_answer_begins_with_outcome_and_facts);
    return scene_run(suite);
}
