/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char system_user[] = "onramp";
static const char system_state[] = "/var/lib/onramp";

/* --- users --- */

static bool run(char *const arguments[])
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execv(arguments[0], arguments);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* The system user, made when it is missing, by one start at a time: two useradd at once make it
 * twice, and the second one takes the first one's id away. */
static const struct passwd *system_user_find(void)
{
    char *const add[] = {
        (char *)"/usr/sbin/useradd", (char *)"--system",
        (char *)"--user-group",      (char *)"--no-create-home",
        (char *)"--home-dir",        (char *)system_state,
        (char *)"--shell",           (char *)"/usr/sbin/nologin",
        (char *)"--comment",         (char *)"onramp, control plane for private circuits",
        (char *)system_user,         NULL};
    const struct passwd *user = getpwnam(system_user);
    if (user != NULL)
        return user;
    int folder = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || flock(folder, LOCK_EX) != 0)
        complain("cannot lock /etc: %s", strerror(errno));
    user = getpwnam(system_user);
    if (user == NULL && run(add))
        user = getpwnam(system_user);
    if (folder >= 0)
        close(folder);
    if (user == NULL)
        complain("cannot make the system user %s with %s", system_user, add[0]);
    return user;
}

static bool become(const struct passwd *user)
{
    if (initgroups(user->pw_name, user->pw_gid) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0) {
        complain("cannot become the user %s: %s", user->pw_name, strerror(errno));
        return false;
    }
    setenv("HOME", user->pw_dir, 1);
    setenv("USER", user->pw_name, 1);
    setenv("LOGNAME", user->pw_name, 1);
#ifdef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 1); /* the search for leaks traces this process */
#endif
    return true;
}

/* --- the directory --- */

static bool directory_choose(struct state *out, const struct settings *settings)
{
    char from_home[PATH_MAX];
    const char *chosen = settings->state;
    const char *base = getenv("XDG_STATE_HOME");
    if (chosen == NULL && geteuid() == 0)
        chosen = system_state;
    if (chosen == NULL && base != NULL && base[0] == '/') {
        snprintf(from_home, sizeof from_home, "%s/onramp", base);
        chosen = from_home;
    }
    if (chosen == NULL) {
        const char *home = getenv("HOME");
        const struct passwd *user = home == NULL ? getpwuid(geteuid()) : NULL;
        if (user != NULL)
            home = user->pw_dir;
        if (home == NULL || home[0] != '/') {
            complain("there is no home directory; say where the state is: --state DIR");
            return false;
        }
        snprintf(from_home, sizeof from_home, "%s/.local/state/onramp", home);
        chosen = from_home;
    }
    char here[PATH_MAX] = "";
    if (chosen[0] != '/' && getcwd(here, sizeof here) == NULL) {
        complain("the current directory has no name: %s", strerror(errno));
        return false;
    }
    int length = snprintf(out->directory, sizeof out->directory, "%s%s%s", here,
                          here[0] != '\0' ? "/" : "", chosen);
    if (length >= (int)sizeof out->directory) {
        complain("the path of the state is too long");
        return false;
    }
    while (length > 1 && out->directory[length - 1] == '/')
        out->directory[--length] = '\0';
    return true;
}

/* Make the directories above path, like mkdir -p. */
static void parents_make(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, mode);
        *slash = '/';
    }
}

static bool empty(const char *path)
{
    DIR *folder = opendir(path);
    int names = 0;
    while (folder != NULL && readdir(folder) != NULL)
        names++;
    if (folder != NULL)
        closedir(folder);
    return folder != NULL && names == 2; /* itself and its parent */
}

/* Make the directory for the user. It appears with its owner: whoever looks at it meanwhile, as
 * status does, must not find one that is root's. */
static bool directory_make(const struct state *state, const struct passwd *user)
{
    char fresh[PATH_MAX + 16];
    snprintf(fresh, sizeof fresh, "%s.%d", state->directory, (int)getpid());
    umask(022); /* the user has to pass through what root makes on the way */
    parents_make(state->directory, 0755);
    umask(077);
    bool good = mkdir(fresh, 0700) == 0 && lchown(fresh, user->pw_uid, user->pw_gid) == 0;
    /* Another start may have been faster. */
    good = good && (rename(fresh, state->directory) == 0 || errno == ENOTEMPTY || errno == EEXIST);
    if (!good)
        complain("cannot make %s: %s", state->directory, strerror(errno));
    rmdir(fresh);
    return good;
}

/* As root: make the directory for the user if it is to be made, and go on as its owner. */
static bool root_gives_up(struct state *state, bool create)
{
    struct stat found;
    bool there = stat(state->directory, &found) == 0;
    if (there && found.st_uid != 0) {
        const struct passwd *owner = getpwuid(found.st_uid);
        if (owner == NULL) {
            complain("%s belongs to the user id %u, which has no name", state->directory,
                     found.st_uid);
            return false;
        }
        return become(owner);
    }
    const struct passwd *user = system_user_find();
    if (user == NULL)
        return false;
    if (create && !there && !directory_make(state, user))
        return false;
    if (create && there && !empty(state->directory)) {
        complain("%s belongs to root and is not empty; the state needs a directory of its own",
                 state->directory);
        return false;
    }
    if (create && there && lchown(state->directory, user->pw_uid, user->pw_gid) != 0) {
        complain("cannot give %s to the user %s: %s", state->directory, user->pw_name,
                 strerror(errno));
        return false;
    }
    return become(user);
}

bool state_open(struct state *out, const struct settings *settings, bool create)
{
    char real[PATH_MAX];
    out->lock = -1;
    umask(077);
    if (!directory_choose(out, settings) || (geteuid() == 0 && !root_gives_up(out, create)))
        return false;
    if (create) {
        parents_make(out->directory, 0700);
        mkdir(out->directory, 0700);
    }
    /* One directory has one name, whatever links lead to it. */
    if (realpath(out->directory, real) != NULL && strlen(real) < sizeof out->directory)
        strcpy(out->directory, real);
    if (access(out->directory, R_OK | W_OK | X_OK) == 0 || (!create && errno == ENOENT))
        return true;
    int reason = errno;
    const struct passwd *user = getpwuid(geteuid());
    complain("the user %s cannot use the state directory %s: %s",
             user != NULL ? user->pw_name : "that runs this", out->directory, strerror(reason));
    return false;
}

const char *state_path(char path[PATH_MAX], const struct state *state, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", state->directory, name);
    return path;
}

bool state_is_used(const struct state *state)
{
    char path[PATH_MAX];
    return access(state_path(path, state, "lock"), F_OK) == 0;
}

/* --- the lock --- */

enum hold state_hold(struct state *state)
{
    char path[PATH_MAX];
    struct stat opened, named;
    state_path(path, state, "lock");
    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0) {
            complain("cannot open %s: %s", path, strerror(errno));
            return HOLD_FAILED;
        }
        if (flock(file, LOCK_EX | LOCK_NB) != 0) {
            bool held = errno == EWOULDBLOCK;
            if (!held)
                complain("cannot lock %s: %s", path, strerror(errno));
            close(file);
            return held ? HELD_BY_OTHERS : HOLD_FAILED;
        }
        /* A reset may have removed the file between open and flock. */
        if (fstat(file, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino) {
            state->lock = file;
            return HELD;
        }
        close(file);
    }
}

void state_release(struct state *state)
{
    if (state->lock >= 0)
        close(state->lock);
    state->lock = -1;
}

/* --- files --- */

bool state_write(const struct state *state, const char *name, const char *text)
{
    char path[PATH_MAX], fresh[PATH_MAX + 8];
    state_path(path, state, name);
    snprintf(fresh, sizeof fresh, "%s.part", path);
    size_t length = strlen(text);
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int folder = open(state->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = file >= 0 && folder >= 0 && write(file, text, length) == (ssize_t)length &&
                fsync(file) == 0 && rename(fresh, path) == 0 && fsync(folder) == 0;
    if (!good)
        complain("cannot write %s: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    if (folder >= 0)
        close(folder);
    return good;
}

/* --- who runs --- */

/* When a living process began, in clock ticks since boot; 0 when there is none. With the pid it
 * names one process for good: a pid alone comes round again. */
static long long began(pid_t pid)
{
    char path[64], text[1024];
    long long ticks = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    /* The second field, the name in parentheses, may hold anything. The 22nd is ours. */
    const char *rest = strrchr(text, ')');
    /* The third is the state: one that has ended but that nobody has asked after is gone too. */
    if (rest != NULL && (strncmp(rest, ") Z", 3) == 0 || strncmp(rest, ") X", 3) == 0))
        return 0;
    for (int field = 2; rest != NULL && field < 22; field++)
        rest = strchr(rest + 1, ' ');
    if (rest != NULL)
        ticks = strtoll(rest, NULL, 10);
    return ticks;
}

json_t *state_running_read(const struct state *state)
{
    char path[PATH_MAX];
    return json_load_file(state_path(path, state, "running"), 0, NULL);
}

bool state_running_write(const struct state *state, const char *phase, json_t *more)
{
    json_t *running = json_pack("{s:i, s:I, s:s}", "pid", (int)getpid(), "began",
                                (json_int_t)began(getpid()), "phase", phase);
    if (running == NULL || (more != NULL && json_object_update_missing(running, more) != 0))
        abort();
    char *text = json_dumps(running, JSON_INDENT(1));
    json_decref(running);
    if (text == NULL)
        abort();
    bool good = state_write(state, "running", text);
    free(text);
    return good;
}

int state_process(const json_t *running)
{
    pid_t pid = (pid_t)json_integer_value(json_object_get(running, "pid"));
    if (pid <= 1)
        return -1;
    int process = pidfd_open(pid, 0);
    if (process < 0)
        return -1;
    /* Now that the descriptor pins the process: is it the one that was written down? */
    long long ticks = began(pid);
    if (ticks != 0 && ticks == json_integer_value(json_object_get(running, "began")))
        return process;
    close(process);
    return -1;
}
