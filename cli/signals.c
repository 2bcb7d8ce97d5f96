/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int descriptor = -1;
static bool stop;

static const int stops[] = {SIGTERM, SIGINT, SIGHUP};
enum { STOPS = sizeof stops / sizeof *stops };

bool signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < STOPS; i++)
        sigaddset(&set, stops[i]);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return false;
    descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor >= 0;
}

int signals_descriptor(void)
{
    return descriptor;
}

void signals_wait(int milliseconds)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    struct signalfd_siginfo taken;
    if (poll(&wait, 1, milliseconds) <= 0)
        return;
    while (read(descriptor, &taken, sizeof taken) == (ssize_t)sizeof taken)
        if (taken.ssi_signo != SIGCHLD)
            stop = true;
}

bool signals_stop(void)
{
    signals_wait(0);
    return stop;
}

/* The kernel tells our PostgreSQL that we are gone, and it stops by itself. */
static void give_up(int number)
{
    _exit(128 + number);
}

void signals_insist(void)
{
    struct sigaction action = {.sa_handler = give_up};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < STOPS; i++) {
        sigaction(stops[i], &action, NULL);
        sigaddset(&set, stops[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
