/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS_MAX = 64, TICK_MS = 10 };

static char directory[] = "/tmp/onramp-relay.XXXXXX";
static char path[sizeof directory + 16];
static int listener = -1;
static pthread_t thread;
static atomic_bool stopping, frozen;
static atomic_int accepted, frozen_below; /* pairs below this one are frozen */

/* A client's socket and that to the server, -1 when it has ended. */
static struct pair {
    int ends[2];
} pairs[PAIRS_MAX];

static int socket_to(const char *name, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    int failed =
        listens ? bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, PAIRS_MAX)
                : connect(fd, (struct sockaddr *)&address, sizeof address);
    if (failed) {
        perror(name);
        abort();
    }
    return fd;
}

static void pair_end(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        close(pair->ends[i]);
        pair->ends[i] = -1;
    }
}

static void relay(struct pair *pair, int from)
{
    char octets[16384];
    ssize_t count = read(pair->ends[from], octets, sizeof octets);
    for (ssize_t sent = 0, more; sent < count; sent += more) {
        more = write(pair->ends[1 - from], octets + sent, (size_t)(count - sent));
        if (more <= 0)
            count = 0;
    }
    if (count <= 0)
        pair_end(pair);
}

static void admit(void)
{
    char server[sizeof((struct sockaddr_un){0}).sun_path];
    int number = atomic_load(&accepted);
    if (number == PAIRS_MAX)
        abort();
    snprintf(server, sizeof server, "%s/.s.PGSQL.5432", getenv("PGHOST"));
    pairs[number].ends[0] = accept(listener, NULL, NULL);
    pairs[number].ends[1] = socket_to(server, false);
    atomic_store(&accepted, number + 1);
}

static void *run(void *nothing)
{
    (void)nothing;
    while (!atomic_load(&stopping)) {
        struct pollfd fds[1 + 2 * PAIRS_MAX] = {{.fd = listener, .events = POLLIN}};
        int count = atomic_load(&accepted), first = atomic_load(&frozen_below);
        for (int i = 0; i < 2 * count; i++)
            fds[1 + i] = (struct pollfd){.fd = i / 2 < first ? -1 : pairs[i / 2].ends[i % 2],
                                         .events = POLLIN};
        if (atomic_load(&frozen)) {
            poll(NULL, 0, TICK_MS);
            continue;
        }
        poll(fds, (nfds_t)(1 + 2 * count), TICK_MS);
        for (int i = 0; i < 2 * count; i++)
            if (fds[1 + i].revents && pairs[i / 2].ends[i % 2] >= 0)
                relay(&pairs[i / 2], i % 2);
        if (fds[0].revents)
            admit();
    }
    return NULL;
}

const char *relay_start(void)
{
    strcpy(directory + sizeof directory - sizeof "XXXXXX", "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", directory);
    listener = socket_to(path, true);
    atomic_store(&accepted, 0);
    atomic_store(&frozen_below, 0);
    atomic_store(&stopping, false);
    atomic_store(&frozen, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
    return directory;
}

void relay_stop(void)
{
    atomic_store(&stopping, true);
    pthread_join(thread, NULL);
    for (int i = 0; i < atomic_load(&accepted); i++)
        if (pairs[i].ends[0] >= 0)
            pair_end(&pairs[i]);
    close(listener);
    unlink(path);
    rmdir(directory);
}

void relay_freeze(void)
{
    atomic_store(&frozen, true);
}

void relay_freeze_standing(void)
{
    atomic_store(&frozen_below, atomic_load(&accepted));
}

int relay_accepted(void)
{
    return atomic_load(&accepted);
}
