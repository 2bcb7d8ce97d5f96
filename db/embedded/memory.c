/* SPDX-License-Identifier: Apache-2.0 */
#include "db/embedded/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned long long none = ULLONG_MAX;

/* Where limits stand in the folder of a control group. Version 2 is mounted by itself, or beside
 * version 1. Beyond memory.high nobody is killed, but held up until memory is free again. What
 * memory.stat sums up counts the groups above that are hidden, too. */
static const struct {
    const char *controller; /* as in /proc/self/cgroup; none in version 2 */
    const char *mount, *file, *label;
} limits[] = {
    {"", "", "memory.max", ""},
    {"", "", "memory.high", ""},
    {"", "/unified", "memory.max", ""},
    {"", "/unified", "memory.high", ""},
    {"memory", "/memory", "memory.limit_in_bytes", ""},
    {"memory", "/memory", "memory.stat", "hierarchical_memory_limit "},
};

static unsigned long long lesser(unsigned long long one, unsigned long long other)
{
    return one < other ? one : other;
}

static unsigned long long number_of(const char *text)
{
    char *end;
    text += strspn(text, " \t");
    if (*text < '0' || *text > '9')
        return none;
    unsigned long long number = strtoull(text, &end, 10);
    return *end == '\0' || strchr(" \t\n", *end) != NULL ? number : none;
}

/* The number behind the label in a file of the folder. */
static unsigned long long number_in(const char *folder, const char *name, const char *label)
{
    char *path = NULL, *line = NULL;
    size_t room = 0;
    unsigned long long found = none;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    FILE *file = fopen(path, "re");
    while (file != NULL && found == none && getline(&line, &room, file) >= 0)
        if (strncmp(line, label, strlen(label)) == 0)
            found = number_of(line + strlen(label));
    if (file != NULL)
        fclose(file);
    free(line);
    free(path);
    return found;
}

static unsigned long long kilobytes_in(const char *folder, const char *name, const char *label)
{
    unsigned long long found = number_in(folder, name, label);
    return found > none / 1024 ? none : found * 1024;
}

/* --- control groups --- */

/* Whether the word is one of a list with commas; the empty list has the empty word. */
static bool lists(char *list, const char *word)
{
    for (char *next; (next = strsep(&list, ",")) != NULL;)
        if (strcmp(next, word) == 0)
            return true;
    return false;
}

/* The path of our own group, empty when it isn't known. The caller frees it. */
static char *group_of(const char *proc, const char *controller)
{
    char *path = NULL, *line = NULL, *found = NULL;
    size_t room = 0;
    if (asprintf(&path, "%s/self/cgroup", proc) < 0)
        abort();
    FILE *file = fopen(path, "re");
    while (file != NULL && found == NULL && getline(&line, &room, file) >= 0) {
        /* hierarchy:controllers:path */
        char *rest = line;
        strsep(&rest, ":");
        char *controllers = strsep(&rest, ":");
        if (rest != NULL && lists(controllers, controller)) {
            rest[strcspn(rest, "\n")] = '\0';
            found = strdup(rest);
        }
    }
    if (file != NULL)
        fclose(file);
    free(line);
    free(path);
    return found != NULL ? found : calloc(1, 1);
}

/* The least limit of a group and of those above it. In a container the mount may begin at our own
 * group while the path begins at the machine's root: then only the mount itself is found. */
static unsigned long long limit_of(const char *mount, char *group, const char *file,
                                   const char *label)
{
    unsigned long long least = none;
    for (;;) {
        char *folder = NULL;
        if (asprintf(&folder, "%s%s", mount, group) < 0)
            abort();
        least = lesser(least, number_in(folder, file, label));
        free(folder);
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static unsigned long long limit_of_groups(const char *proc, const char *cgroups)
{
    unsigned long long least = none;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char *mount = NULL, *group = group_of(proc, limits[i].controller);
        if (group == NULL || asprintf(&mount, "%s%s", cgroups, limits[i].mount) < 0)
            abort();
        least = lesser(least, limit_of(mount, group, limits[i].file, limits[i].label));
        free(mount);
        free(group);
    }
    return least;
}

unsigned long long memory_size(const char *proc, const char *cgroups)
{
    unsigned long long least = kilobytes_in(proc, "meminfo", "MemTotal:");
    least = lesser(least, number_in(proc, "self/limits", "Max address space"));
    if (number_in(proc, "sys/vm/overcommit_memory", "") == 2)
        least = lesser(least, kilobytes_in(proc, "meminfo", "CommitLimit:"));
    least = lesser(least, limit_of_groups(proc, cgroups));
    return least == none ? 1ULL << 30 : least;
}

static int within(unsigned long long octets, int least, int most)
{
    unsigned long long megabytes = octets >> 20;
    return megabytes < (unsigned)least ? least : megabytes > (unsigned)most ? most : (int)megabytes;
}

/* PostgreSQL's documentation has a quarter of a machine's memory for a start, where nothing else
 * runs there, and less where there is little. What is in the buffers mostly is in the kernel's
 * cache too, and takes its place there; an eighth leaves that and the daemon enough. 4 GB at most:
 * without huge pages a session has 2 MB of page tables for each GB that it has used, 512 MB for the
 * 64 that max_connections lets in; and 20 MB of each GB are used from the start, to keep account of
 * it. */
int memory_buffers(unsigned long long memory)
{
    return within(memory / 8, 32, 4096);
}

/* Others use the machine too. A terabyte is short of what the setting can hold. */
int memory_cache(unsigned long long memory)
{
    return within(memory / 2, 64, 1 << 20);
}
