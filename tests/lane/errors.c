/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller learns of an error, by its SQLSTATE. */
#include "rig.h"
#include "suites.h"

#include <string.h>

static const struct {
    const char *state;
    enum failure write, read;
} states[] = {
    /* every class of "Error Codes" in PostgreSQL's manual that a statement can end with */
    {"03000", FAILURE_BUG, FAILURE_BUG},
    {"08006", FAILURE_UNKNOWN_OUTCOME, FAILURE_UNAVAILABLE},
    {"09000", FAILURE_BUG, FAILURE_BUG},
    {"0A000", FAILURE_BUG, FAILURE_BUG},
    {"0B000", FAILURE_BUG, FAILURE_BUG},
    {"0F000", FAILURE_BUG, FAILURE_BUG},
    {"0L000", FAILURE_BUG, FAILURE_BUG},
    {"0P000", FAILURE_BUG, FAILURE_BUG},
    {"0Z000", FAILURE_BUG, FAILURE_BUG},
    {"20000", FAILURE_BUG, FAILURE_BUG},
    {"21000", FAILURE_BUG, FAILURE_BUG},
    {"22012", FAILURE_BUG, FAILURE_BUG},
    {"23505", FAILURE_BUG, FAILURE_BUG},
    {"24000", FAILURE_BUG, FAILURE_BUG},
    {"25006", FAILURE_BUG, FAILURE_BUG},
    {"25P02", FAILURE_BUG, FAILURE_BUG},
    {"26000", FAILURE_BUG, FAILURE_BUG},
    {"27000", FAILURE_BUG, FAILURE_BUG},
    {"28000", FAILURE_BUG, FAILURE_BUG},
    {"2B000", FAILURE_BUG, FAILURE_BUG},
    {"2D000", FAILURE_BUG, FAILURE_BUG},
    {"2F000", FAILURE_BUG, FAILURE_BUG},
    {"34000", FAILURE_BUG, FAILURE_BUG},
    {"38000", FAILURE_BUG, FAILURE_BUG},
    {"39000", FAILURE_BUG, FAILURE_BUG},
    {"3B000", FAILURE_BUG, FAILURE_BUG},
    {"3D000", FAILURE_BUG, FAILURE_BUG},
    {"3F000", FAILURE_BUG, FAILURE_BUG},
    {"40001", FAILURE_ABORTED, FAILURE_ABORTED},
    {"40003", FAILURE_UNKNOWN_OUTCOME, FAILURE_UNAVAILABLE},
    {"40P01", FAILURE_ABORTED, FAILURE_ABORTED},
    {"42501", FAILURE_BUG, FAILURE_BUG},
    {"44000", FAILURE_BUG, FAILURE_BUG},
    {"53000", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"53100", FAILURE_STORAGE_FULL, FAILURE_STORAGE_FULL},
    {"53200", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"53300", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"53400", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"54000", FAILURE_BUG, FAILURE_BUG},
    {"55000", FAILURE_BUG, FAILURE_BUG},
    {"55006", FAILURE_ABORTED, FAILURE_ABORTED},
    {"55P03", FAILURE_ABORTED, FAILURE_ABORTED},
    {"57014", FAILURE_DEADLINE, FAILURE_DEADLINE},
    {"57P01", FAILURE_UNKNOWN_OUTCOME, FAILURE_UNAVAILABLE},
    {"58000", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"58030", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"58P01", FAILURE_RESOURCES, FAILURE_RESOURCES},
    {"72000", FAILURE_ABORTED, FAILURE_ABORTED},
    {"F0000", FAILURE_BUG, FAILURE_BUG},
    {"HV000", FAILURE_BUG, FAILURE_BUG},
    {"P0001", FAILURE_BUG, FAILURE_BUG},
    {"XX001", FAILURE_BUG, FAILURE_BUG},
};
enum { STATES = sizeof states / sizeof *states };

/* One state after the other, on sessions that come back. */
START_TEST(each_class_of_errors_is_told_as_what_it_is)
{
    rig_open(1, 1, 1);
    for (size_t i = 0; i < STATES; i++) {
        struct answer write, read;
        ASK(&write, &note_fail, states[i].state);
        TURN_UNTIL(write.done);
        ck_assert_msg(write.failure == (int)states[i].write, "a write, %s: %d, not %d",
                      states[i].state, write.failure, states[i].write);
        ASK(&read, &note_fail_read, states[i].state);
        TURN_UNTIL(read.done);
        ck_assert_msg(read.failure == (int)states[i].read, "a read, %s: %d, not %d",
                      states[i].state, read.failure, states[i].read);
    }
}
END_TEST

START_TEST(a_disk_that_is_full_is_noted)
{
    struct answer write;
    atomic_llong at = 0;
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.storage_full_at = &at;
    rig_open_settings(&settings);
    ASK(&write, &note_fail, "53200");
    TURN_UNTIL(write.done);
    ck_assert_int_eq(atomic_load(&at), 0);
    ASK(&write, &note_fail, "53100");
    TURN_UNTIL(write.done);
    ck_assert_int_ne(atomic_load(&at), 0);
    lanes_close(rig.lanes); /* before what it notes in */
    rig.lanes = NULL;
}
END_TEST

TCase *errors_case(void)
{
    TCase *test = tcase_create("errors");
    tcase_add_test(test, each_class_of_errors_is_told_as_what_it_is);
    tcase_add_test(test, a_disk_that_is_full_is_noted);
    return test;
}
