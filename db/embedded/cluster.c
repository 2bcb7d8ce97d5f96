/* SPDX-License-Identifier: Apache-2.0 */
#include "db/embedded/cluster.h"

#include "crypto/digest.h"
#include "db/conninfo.h"
#include "db/embedded/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char installed[] = "/usr/lib/postgresql";
static const char socket_name[] = "/.s.PGSQL.5432";
static const struct timespec child_pause = {.tv_nsec = 10 * 1000 * 1000};

/* Appended once to the postgresql.conf of initdb. */
static const char includes[] = "\n# onramp writes the first of these at every start; the second is"
                               " the operator's, if there is one.\n"
                               "include_if_exists = 'onramp.conf'\n"
                               "include_if_exists = 'local.conf'\n";

/* Sized for a machine that it shares with the daemon. Statements are logged without their
 * parameters and errors without their details: both hold keys. The libraries that our functions and
 * constraints need are loaded once, by the server itself: a backend that loads one while packages
 * are upgraded would find none, or one that the running server is too old for. */
static const char settings[] = "# Written by onramp at every start; put changes into local.conf.\n"
                               "shared_buffers = %dMB\n"
                               "shared_preload_libraries = 'plpgsql,btree_gist'\n"
                               "max_connections = 64\n"
                               "effective_cache_size = %dMB\n"
                               "maintenance_work_mem = 64MB\n"
                               "fsync = on\n"
                               "full_page_writes = on\n"
                               "synchronous_commit = on\n"
                               "wal_level = replica\n"
                               "max_wal_size = 1GB\n"
                               "min_wal_size = 80MB\n"
                               "checkpoint_timeout = 15min\n"
                               "random_page_cost = 1.1\n"
                               "deadlock_timeout = 100ms\n"
                               "jit = off\n"
                               "max_parallel_workers_per_gather = 0\n"
                               "timezone = 'UTC'\n"
                               "log_timezone = 'UTC'\n"
                               "lc_messages = 'C'\n"
                               "logging_collector = on\n"
                               "log_filename = 'postgres-%%a.log'\n"
                               "log_file_mode = 0600\n"
                               "log_rotation_age = 1d\n"
                               "log_rotation_size = 0\n"
                               "log_truncate_on_rotation = on\n"
                               "log_line_prefix = '%%m [%%p] %%q%%u '\n"
                               "log_checkpoints = off\n"
                               "log_parameter_max_length = 0\n"
                               "log_parameter_max_length_on_error = 0\n"
                               "log_error_verbosity = terse\n"
                               "log_min_duration_statement = 1s\n"
                               "password_encryption = 'scram-sha-256'\n"
                               "cluster_name = 'onramp'\n";

/* --- paths --- */

__attribute__((format(printf, 3, 4))) static bool path_write(char *out, cluster_say *say,
                                                             const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out, PATH_MAX, format, arguments);
    va_end(arguments);
    if (length < PATH_MAX)
        return true;
    say("the path %.40s... is too long", out);
    return false;
}

/* The major version that made the data directory; 0 when there is none. */
static int version_of_data(const char *data)
{
    char path[PATH_MAX + 16];
    int version = 0;
    snprintf(path, sizeof path, "%s/PG_VERSION", data);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &version) != 1)
        version = 0;
    fclose(file);
    return version;
}

static bool runs(const char *folder, const char *program)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/%s", folder, program);
    return access(path, X_OK) == 0;
}

static bool programs_find(struct cluster *out, cluster_say *say)
{
    int wanted = version_of_data(out->data), best = 0;
    DIR *folder = opendir(installed);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char *end;
        char path[PATH_MAX];
        long version = strtol(entry->d_name, &end, 10);
        if (*end != '\0' || version < CLUSTER_OLDEST || version > 999 || version <= best ||
            (wanted != 0 && version != wanted))
            continue;
        snprintf(path, sizeof path, "%s/%ld/bin", installed, version);
        if (runs(path, "postgres") && runs(path, "initdb"))
            best = (int)version;
    }
    if (folder != NULL)
        closedir(folder);
    if (best != 0)
        return path_write(out->programs, say, "%s/%d/bin", installed, best);
    if (wanted != 0)
        say("the data in %s was made by PostgreSQL %d, which is not installed: install the package"
            " postgresql-%d",
            out->data, wanted, wanted);
    else
        say("there is no PostgreSQL %d or newer in %s: install the package postgresql",
            CLUSTER_OLDEST, installed);
    return false;
}

/* A unix socket's address holds 107 characters. */
static bool socket_find(struct cluster *out, const char *state, cluster_say *say)
{
    if (strlen(state) + strlen("/socket") + strlen(socket_name) <
        sizeof((struct sockaddr_un *)0)->sun_path)
        return path_write(out->socket, say, "%s/socket", state);
    unsigned char digest[DIGEST_OCTETS];
    digest_make(digest, state, strlen(state));
    return path_write(out->socket, say, "/tmp/onramp-%u-%02x%02x%02x%02x%02x%02x%02x%02x", getuid(),
                      digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6],
                      digest[7]);
}

bool cluster_find(struct cluster *out, const char *state, cluster_say *say)
{
    memset(out, 0, sizeof *out);
    const struct passwd *user = getpwuid(geteuid());
    if (user == NULL) {
        say("the user id %u has no name (no entry in /etc/passwd); PostgreSQL needs one",
            geteuid());
        return false;
    }
    snprintf(out->user, sizeof out->user, "%s", user->pw_name);
    return path_write(out->data, say, "%s/postgres", state) &&
           path_write(out->log, say, "%s/log", state) && socket_find(out, state, say) &&
           programs_find(out, say);
}

bool cluster_exists(const struct cluster *cluster)
{
    return version_of_data(cluster->data) != 0;
}

/* --- files --- */

static bool file_write(const char *folder, const char *name, const char *mode, const char *text,
                       cluster_say *say)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    bool good =
        file != NULL && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int reason = errno;
    if (file != NULL && fclose(file) != 0)
        good = false;
    if (!good)
        say("cannot write %s: %s", path, strerror(reason));
    return good;
}

static bool folder_make(const char *path, cluster_say *say)
{
    struct stat found;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        say("cannot make the folder %s: %s", path, strerror(errno));
        return false;
    }
    /* In /tmp somebody else may have made it, or a link in its place. */
    if (lstat(path, &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
        (found.st_mode & 022) != 0) {
        say("%s is not a folder of the user %u alone", path, geteuid());
        return false;
    }
    return true;
}

static bool folder_sync(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    return good;
}

bool cluster_configure(const struct cluster *cluster, cluster_say *say)
{
    char *access_rules = NULL, *idents = NULL, *sized = NULL;
    unsigned long long memory = memory_size("/proc", "/sys/fs/cgroup");
    if (asprintf(&access_rules,
                 "# Written by onramp at every start.\n"
                 "local all \"%s\" peer map=onramp\n"
                 "local \"%s\" \"%s\" peer map=onramp\n",
                 CLUSTER_ADMIN, CLUSTER_DATABASE, CLUSTER_DAEMON) < 0 ||
        asprintf(&idents,
                 "# Written by onramp at every start.\n"
                 "onramp \"%s\" \"%s\"\n"
                 "onramp \"%s\" \"%s\"\n",
                 cluster->user, CLUSTER_ADMIN, cluster->user, CLUSTER_DAEMON) < 0 ||
        asprintf(&sized, settings, memory_buffers(memory), memory_cache(memory)) < 0)
        abort();
    bool good = folder_make(cluster->log, say) && folder_make(cluster->socket, say) &&
                file_write(cluster->data, "onramp.conf", "we", sized, say) &&
                file_write(cluster->data, "pg_hba.conf", "we", access_rules, say) &&
                file_write(cluster->data, "pg_ident.conf", "we", idents, say);
    free(access_rules);
    free(idents);
    free(sized);
    return good;
}

/* --- processes --- */

pid_t cluster_spawn(char *const arguments[], int fatal_signal, const char *output)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t parent = getpid();
    pid_t child = nothing >= 0 && log >= 0 ? fork() : -1;
    if (child == 0) {
        /* Other threads may run in the parent: only async-signal-safe calls from here on. */
        sigset_t none;
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigemptyset(&none);
        prctl(PR_SET_PDEATHSIG, fatal_signal);
        if (getppid() != parent)
            _exit(127);
        setsid();
        sigaction(SIGPIPE, &standard, NULL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (dup2(nothing, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0) {
            close_range(3, ~0U, 0);
            execv(arguments[0], arguments);
        }
        _exit(127);
    }
    if (nothing >= 0)
        close(nothing);
    if (log >= 0)
        close(log);
    return child;
}

pid_t cluster_serve(const struct cluster *cluster)
{
    char program[PATH_MAX + 16], output[PATH_MAX + 32], log_folder[PATH_MAX + 32];
    snprintf(program, sizeof program, "%s/postgres", cluster->programs);
    snprintf(output, sizeof output, "%s/postgres-start.log", cluster->log);
    snprintf(log_folder, sizeof log_folder, "log_directory=%s", cluster->log);
    char *arguments[] = {program,
                         (char *)"-D",
                         (char *)cluster->data,
                         (char *)"-k",
                         (char *)cluster->socket,
                         (char *)"-p",
                         (char *)"5432",
                         (char *)"-c",
                         (char *)"listen_addresses=",
                         (char *)"-c",
                         (char *)"unix_socket_permissions=0700",
                         (char *)"-c",
                         log_folder,
                         NULL};
    /* SIGINT is a fast shutdown: a daemon that was killed leaves clean data behind. */
    return cluster_spawn(arguments, SIGINT, output);
}

/* Whether it is a server or a worker of this data directory. Not everybody who stands in that
 * folder is one: a person's shell may. */
static bool works_in(const char *pid, const struct stat *data)
{
    char path[64], name[24] = "";
    struct stat folder;
    snprintf(path, sizeof path, "/proc/%.20s/cwd", pid);
    if (stat(path, &folder) != 0 || folder.st_dev != data->st_dev || folder.st_ino != data->st_ino)
        return false;
    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool postgres = fgets(name, sizeof name, file) != NULL && strcmp(name, "postgres\n") == 0;
    fclose(file);
    return postgres;
}

pid_t cluster_postmaster(const struct cluster *cluster)
{
    char path[PATH_MAX + 32], pid[24];
    long number = 0;
    struct stat data;
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld", &number) != 1)
        number = 0;
    fclose(file);
    snprintf(pid, sizeof pid, "%ld", number);
    return number > 1 && stat(cluster->data, &data) == 0 && works_in(pid, &data) ? (pid_t)number
                                                                                 : 0;
}

int cluster_signal(const struct cluster *cluster, int number)
{
    struct stat data;
    int found = 0;
    if (stat(cluster->data, &data) != 0)
        return 0;
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !works_in(entry->d_name, &data))
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid != getpid() && kill(pid, number) == 0)
            found++;
    }
    if (processes != NULL)
        closedir(processes);
    return found;
}

void cluster_clear(const struct cluster *cluster)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data);
    unlink(path);
    snprintf(path, sizeof path, "%s%s.lock", cluster->socket, socket_name);
    unlink(path);
    snprintf(path, sizeof path, "%s%s", cluster->socket, socket_name);
    unlink(path);
}

/* --- initdb --- */

/* The last lines of a log, for a person. */
static void tail_say(const char *path, cluster_say *say)
{
    char text[1024];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fseek(file, -(long)(sizeof text - 1), SEEK_END) != 0)
        rewind(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
        if (*line != '\0')
            say("  %s", line);
}

static void tree_remove(const char *path)
{
    char *const arguments[] = {(char *)"/bin/rm", (char *)"-rf", (char *)"--", (char *)path, NULL};
    pid_t child = cluster_spawn(arguments, SIGKILL, "/dev/null");
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void leftovers_remove(const char *state)
{
    DIR *folder = opendir(state);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, "postgres.new.", 13) == 0) {
            char path[PATH_MAX + 256];
            snprintf(path, sizeof path, "%s/%s", state, entry->d_name);
            tree_remove(path);
        }
    if (folder != NULL)
        closedir(folder);
}

/* Exit status of a child, -1 when it was cancelled. */
static int child_wait(pid_t child, bool (*cancelled)(void))
{
    int status = 0;
    for (;;) {
        pid_t gone = waitpid(child, &status, WNOHANG);
        if (gone == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        if (gone < 0 && errno != EINTR)
            return 128;
        if (cancelled != NULL && cancelled()) {
            kill(child, SIGTERM);
            waitpid(child, &status, 0);
            return -1;
        }
        nanosleep(&child_pause, NULL);
    }
}

bool cluster_create(const struct cluster *cluster, const char *state, cluster_say *say,
                    bool (*cancelled)(void))
{
    char program[PATH_MAX + 16], fresh[PATH_MAX + 64], output[PATH_MAX + 32];
    leftovers_remove(state);
    snprintf(program, sizeof program, "%s/initdb", cluster->programs);
    snprintf(fresh, sizeof fresh, "%s.new.%ld", cluster->data, (long)getpid());
    snprintf(output, sizeof output, "%s/initdb.log", cluster->log);
    /* Names compare as octets, so that lists come in one order everywhere; letters are Unicode's.
     */
    char *arguments[] = {program,
                         (char *)"--pgdata",
                         fresh,
                         (char *)"--username",
                         (char *)CLUSTER_ADMIN,
                         (char *)"--auth=peer",
                         (char *)"--data-checksums",
                         (char *)"--encoding=UTF8",
                         (char *)"--locale=C",
                         (char *)"--lc-ctype=C.UTF-8",
                         (char *)"--text-search-config=simple",
                         (char *)"--no-instructions",
                         NULL};
    if (!folder_make(cluster->log, say))
        return false;
    pid_t child = cluster_spawn(arguments, SIGKILL, output);
    if (child < 0) {
        say("cannot start %s: %s", program, strerror(errno));
        return false;
    }
    int status = child_wait(child, cancelled);
    if (status != 0) {
        if (status > 0) {
            say("%s failed (exit %d); its last lines, from %s:", program, status, output);
            tail_say(output, say);
        }
        tree_remove(fresh);
        return false;
    }
    bool good = file_write(fresh, "postgresql.conf", "ae", includes, say) && folder_sync(fresh);
    if (good && rename(fresh, cluster->data) != 0) {
        say("cannot name %s: %s", cluster->data, strerror(errno));
        good = false;
    }
    if (!good)
        tree_remove(fresh);
    return good && folder_sync(state);
}

char *cluster_conninfo(const struct cluster *cluster, const char *role, const char *database)
{
    char *made = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&made, &length);
    if (out == NULL)
        abort();
    conninfo_write(out, "host", cluster->socket);
    conninfo_write(out, "port", "5432");
    conninfo_write(out, "user", role);
    conninfo_write(out, "dbname", database);
    conninfo_write(out, "requirepeer", cluster->user);
    if (fclose(out) != 0)
        abort();
    return made;
}
