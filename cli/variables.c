/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/variables.h"

#include "cli/settings.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "ONRAMP_";

/* Those that are no settings. One that ends with _ stands for all that begin with it. */
static const char *const words[] = {
    /* what `onramp env` prints; callback and simulate-partner read some of them */
    "ONRAMP_URL",
    "ONRAMP_OPERATOR_TOKEN",
    "ONRAMP_CUSTOMER_ID",
    "ONRAMP_CUSTOMER_TOKEN",
    "ONRAMP_PARTNER",
    "ONRAMP_PARTNER_TOKEN",
    "ONRAMP_PARTNER_SECRET",
    /* the script onramp */
    "ONRAMP_PRESET",
    /* the tests */
    "ONRAMP_TEST_",
    "ONRAMP_MODEL_",
    "ONRAMP_ONCE_KEYS",
    "ONRAMP_ONCE_KILLS",
    "ONRAMP_WAITERS",
    "ONRAMP_FOLLOWERS",
    "ONRAMP_READER",
    "ONRAMP_REACHED",
    "ONRAMP_INTEROP_MODULES",
    /* the benchmarks */
    "ONRAMP_LOAD",
    "ONRAMP_EPOLL",
};
enum { WORDS = sizeof words / sizeof *words, KNOWN = SETTINGS + WORDS };

static const char *known(char buffer[SETTING_VARIABLE], int index)
{
    return index < SETTINGS ? setting_variable(buffer, &settings_table[index])
                            : words[index - SETTINGS];
}

static bool is_known(const char *name)
{
    char buffer[SETTING_VARIABLE];
    for (int i = 0; i < KNOWN; i++) {
        const char *word = known(buffer, i);
        size_t length = strlen(word);
        if (word[length - 1] == '_' ? strncmp(word, name, length) == 0 : strcmp(word, name) == 0)
            return true;
    }
    return false;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* How many letters have to be inserted, deleted or replaced to make the one of the other. */
static int distance(const char *a, const char *b)
{
    int row[SETTING_VARIABLE + 1];
    int width = least((int)strlen(b), SETTING_VARIABLE);
    for (int j = 0; j <= width; j++)
        row[j] = j;
    for (int i = 1; a[i - 1] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= width; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j - 1], row[j]) + 1);
        }
    }
    return row[width];
}

static const char *nearest(char buffer[SETTING_VARIABLE], const char *name)
{
    int best = 0, best_distance = INT_MAX;
    for (int i = 0; i < KNOWN; i++) {
        int far = distance(name, known(buffer, i));
        if (far < best_distance) {
            best = i;
            best_distance = far;
        }
    }
    return known(buffer, best);
}

bool variables_check(void)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        char name[128], buffer[SETTING_VARIABLE];
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0 || (*entry)[length] == '\0' ||
            (*entry)[length + 1] == '\0')
            continue;
        snprintf(name, sizeof name, "%.*s", (int)length, *entry);
        if (length < sizeof name && is_known(name))
            continue;
        complain("there is no variable %s; the nearest is %s", name, nearest(buffer, name));
        return false;
    }
    return true;
}
