/* SPDX-License-Identifier: Apache-2.0 */
#include "db/embedded/memory.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MB(n) ((unsigned long long)(n) << 20)

static char root[] = "/tmp/onramp-memory-XXXXXX";
static char proc[PATH_MAX], cgroups[PATH_MAX];

/* A file below the root, with the folders that lead to it. */
static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = path + strlen(root); (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    ck_assert(file != NULL);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* A machine of 8 GB. */
static void machine_make(void)
{
    strcpy(strrchr(root, '-'), "-XXXXXX");
    ck_assert(mkdtemp(root) != NULL);
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(cgroups, sizeof cgroups, "%s/cgroup", root);
    put("/proc/meminfo", "MemTotal:        8388608 kB\n"
                         "MemFree:          102400 kB\n"
                         "CommitLimit:     3145728 kB\n");
}

static int entry_remove(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found, (void)kind, (void)place;
    return remove(path);
}

static void machine_remove(void)
{
    ck_assert_int_eq(nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void holds(unsigned long long megabytes)
{
    ck_assert_uint_eq(memory_size(proc, cgroups), MB(megabytes));
}

START_TEST(without_limits_the_machine_counts)
{
    holds(8192);
    put("/proc/self/cgroup", "0::/\n");
    put("/proc/self/limits", "Limit                     Soft Limit           Hard Limit\n"
                             "Max address space         unlimited            unlimited  bytes\n");
    put("/proc/sys/vm/overcommit_memory", "0\n");
    put("/cgroup/cgroup.controllers", "cpu memory\n");
    holds(8192);
}
END_TEST

START_TEST(nothing_known_is_a_gigabyte)
{
    ck_assert_uint_eq(memory_size("/nowhere", "/nowhere"), MB(1024));
    put("/proc/meminfo", "MemTotal: plenty kB\n");
    holds(1024);
    put("/proc/meminfo", "");
    holds(1024);
}
END_TEST

START_TEST(the_limit_of_the_own_group_counts)
{
    put("/proc/self/cgroup", "0::/system.slice/onramp.service\n");
    put("/cgroup/system.slice/memory.max", "max\n");
    put("/cgroup/system.slice/onramp.service/memory.max", "1073741824\n");
    put("/cgroup/system.slice/other.service/memory.max", "4096\n");
    holds(1024);
}
END_TEST

START_TEST(a_lesser_limit_above_it_counts)
{
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/cgroup/a/memory.max", "536870912\n");
    put("/cgroup/a/b/memory.max", "1073741824\n");
    put("/cgroup/a/b/c/memory.max", "max\n");
    holds(512);
}
END_TEST

START_TEST(a_group_that_is_throttled_is_limited)
{
    put("/proc/self/cgroup", "0::/a\n");
    put("/cgroup/a/memory.max", "2147483648\n");
    put("/cgroup/a/memory.high", "1073741824\n");
    holds(1024);
}
END_TEST

START_TEST(a_limit_beyond_the_machine_is_none)
{
    put("/proc/self/cgroup", "4:memory:/a\n");
    put("/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    holds(8192);
    put("/cgroup/memory/a/memory.limit_in_bytes", "99999999999999999999999\n");
    holds(8192);
}
END_TEST

/* In a container with a view of its own, the root of the mount is its own group. */
START_TEST(the_root_of_the_mount_counts)
{
    put("/cgroup/memory.max", "1073741824\n");
    holds(1024);
    put("/proc/self/cgroup", "0::/\n");
    holds(1024);
    put("/proc/self/cgroup", "0::/docker/not/there\n");
    holds(1024);
    put("/proc/self/cgroup", "0::/../elsewhere\n");
    holds(1024);
}
END_TEST

START_TEST(groups_of_version_1_count)
{
    put("/proc/self/cgroup", "12:cpu,cpuacct:/x\n"
                             "5:hugetlb,memory:/docker/a:b\n"
                             "1:name=systemd:/y\n"
                             "0::/\n");
    put("/cgroup/memory/docker/a:b/memory.limit_in_bytes", "2147483648\n");
    holds(2048);
    put("/cgroup/memory/docker/memory.limit_in_bytes", "1073741824\n");
    holds(1024);
    put("/cgroup/memory/x/memory.limit_in_bytes", "4096\n");
    put("/cgroup/x/memory.max", "4096\n");
    holds(1024);
}
END_TEST

START_TEST(a_hidden_group_of_version_1_counts)
{
    put("/proc/self/cgroup", "4:memory:/docker/a\n");
    put("/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/cgroup/memory/memory.stat", "cache 4096\n"
                                      "hierarchical_memory_limit 1073741824\n"
                                      "hierarchical_memsw_limit 4096\n");
    holds(1024);
}
END_TEST

START_TEST(both_versions_at_once_count)
{
    put("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
    put("/cgroup/memory/a/memory.limit_in_bytes", "2147483648\n");
    put("/cgroup/unified/b/memory.max", "1073741824\n");
    holds(1024);
}
END_TEST

START_TEST(what_is_no_number_bounds_nothing)
{
    static const char *const texts[] = {"",       "\n",      "max\n",  "-1\n", "1.5\n",
                                        "1e6\n",  "0x400\n", "12K\n",  "+5\n", "1073741824kB\n",
                                        "none\n", "4096.\n", "4,096\n"};
    put("/proc/self/cgroup", "0::/a\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put("/cgroup/a/memory.max", texts[i]);
        holds(8192);
    }
    put("/cgroup/a/memory.max", "1073741824");
    holds(1024);
}
END_TEST

START_TEST(lines_that_say_nothing_are_passed_over)
{
    put("/proc/self/cgroup", "\n:\nmemory\n4:memory\n0::/a\n");
    put("/cgroup/a/memory.max", "1073741824\n");
    holds(1024);
}
END_TEST

START_TEST(the_address_space_counts)
{
    put("/proc/self/limits", "Max cpu time              10                   10        seconds\n"
                             "Max address space         1073741824           unlimited bytes\n");
    holds(1024);
}
END_TEST

/* Then a mapping counts as used as soon as it is made. */
START_TEST(what_the_kernel_promises_counts_where_it_is_strict)
{
    put("/proc/sys/vm/overcommit_memory", "1\n");
    holds(8192);
    put("/proc/sys/vm/overcommit_memory", "2\n");
    holds(3072);
}
END_TEST

START_TEST(buffers_are_an_eighth_and_what_is_expected_in_memory_a_half)
{
    static const struct {
        unsigned long long memory;
        int buffers, cache;
    } sizes[] = {{0, 32, 64},
                 {MB(100), 32, 64},
                 {MB(256), 32, 128},
                 {MB(1024), 128, 512},
                 {MB(24152), 3019, 12076},
                 {MB(32768), 4096, 16384},
                 {MB(65536), 4096, 32768},
                 {ULLONG_MAX, 4096, 1048576}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(memory_buffers(sizes[i].memory), sizes[i].buffers);
        ck_assert_int_eq(memory_cache(sizes[i].memory), sizes[i].cache);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *test = tcase_create("memory");
    tcase_add_checked_fixture(test, machine_make, machine_remove);
    tcase_add_test(test, without_limits_the_machine_counts);
    tcase_add_test(test, nothing_known_is_a_gigabyte);
    tcase_add_test(test, the_limit_of_the_own_group_counts);
    tcase_add_test(test, a_lesser_limit_above_it_counts);
    tcase_add_test(test, a_group_that_is_throttled_is_limited);
    tcase_add_test(test, a_limit_beyond_the_machine_is_none);
    tcase_add_test(test, the_root_of_the_mount_counts);
    tcase_add_test(test, groups_of_version_1_count);
    tcase_add_test(test, a_hidden_group_of_version_1_counts);
    tcase_add_test(test, both_versions_at_once_count);
    tcase_add_test(test, what_is_no_number_bounds_nothing);
    tcase_add_test(test, lines_that_say_nothing_are_passed_over);
    tcase_add_test(test, the_address_space_counts);
    tcase_add_test(test, what_the_kernel_promises_counts_where_it_is_strict);
    tcase_add_test(test, buffers_are_an_eighth_and_what_is_expected_in_memory_a_half);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
