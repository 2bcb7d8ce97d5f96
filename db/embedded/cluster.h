/* SPDX-License-Identifier: Apache-2.0 */
/* cluster.h - the private PostgreSQL cluster as it lies on disk: programs, files, processes.
 *
 * Everything is below the state directory:
 *   postgres/   the data directory, made by initdb elsewhere and renamed when complete
 *   socket/     the unix socket (below /tmp where that path is too long for a socket's address)
 *   log/        postgres-<weekday>.log, and the output of initdb and of the server's start
 *
 * Sessions are let in by peer authentication alone: the operating system user that owns the state
 * may act as onramp_admin (superuser) and as onramp_daemon; there is no password and no port. */
#ifndef ONRAMP_DB_EMBEDDED_CLUSTER_H
#define ONRAMP_DB_EMBEDDED_CLUSTER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum { CLUSTER_OLDEST = 15 };

#define CLUSTER_ADMIN    "onramp_admin"
#define CLUSTER_DAEMON   "onramp_daemon"
#define CLUSTER_DATABASE "onramp"

struct cluster {
    char data[PATH_MAX];
    char socket[PATH_MAX];
    char log[PATH_MAX];
    char programs[PATH_MAX]; /* folder of postgres, initdb and psql */
    char user[256];          /* operating system user */
};

/* A line for whoever watches; used for reasons and progress alike. */
typedef void cluster_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fill in the paths for a state directory (absolute) and find the programs: those of the version
 * that made the data, else the newest installed. False after saying why. */
bool cluster_find(struct cluster *out, const char *state, cluster_say *say);

/* Whether there is a data directory. */
bool cluster_exists(const struct cluster *cluster);

/* Make the data directory; an interrupted try leaves nothing that is taken for one. False after
 * saying why. cancelled() is asked while initdb runs. */
bool cluster_create(const struct cluster *cluster, const char *state, cluster_say *say,
                    bool (*cancelled)(void));

/* Write the settings, the access rules and the socket's folder, as at every start. */
bool cluster_configure(const struct cluster *cluster, cluster_say *say);

/* Start the program arguments[0] (a path: PostgreSQL's programs find each other by it) as a child
 * that dies with this thread by fatal_signal, in a session of its own, its output appended to the
 * named file. Returns its pid, or -1. Call it from the main thread only: the kernel counts the
 * thread that forks as the parent. */
pid_t cluster_spawn(char *const arguments[], int fatal_signal, const char *output);

/* Start the server itself. */
pid_t cluster_serve(const struct cluster *cluster);

/* The postmaster of the data directory that runs now, whoever started it; 0 when there is none. */
pid_t cluster_postmaster(const struct cluster *cluster);

/* Send a signal to every process that works in the data directory; returns how many there are. */
int cluster_signal(const struct cluster *cluster, int number);

/* Remove the marks of a server that is known to be gone. Left there, they name a process id that
 * may belong to somebody else by now, and PostgreSQL would refuse to start. */
void cluster_clear(const struct cluster *cluster);

/* Connection string for a role and a database. The caller frees it. */
char *cluster_conninfo(const struct cluster *cluster, const char *role, const char *database);

#endif
