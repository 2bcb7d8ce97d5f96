/* SPDX-License-Identifier: Apache-2.0 */
#include "http/seam.h"

#include "http/connection.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { NUMBERS_MAX = 1 << 20 };

/* By descriptor. The loops share it, as they share the numbers; each writes where its own
 * connections are. */
static _Atomic(struct connection *) *connections;
static _Atomic size_t numbers; /* 0 before anything is registered */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local unsigned long calls;

/* As many as the limit of open files allows, which nobody raises later; pages that stay untouched
 * cost nothing. */
static void numbers_begin(void)
{
    struct rlimit limit;
    size_t count = NUMBERS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < count)
        count = (size_t)limit.rlim_max;
    connections = calloc(count, sizeof *connections);
    if (!connections)
        abort();
    atomic_store_explicit(&numbers, count, memory_order_release);
}

bool seam_register(int fd, struct connection *connection)
{
    pthread_once(&once, numbers_begin);
    if (fd < 0 || (size_t)fd >= atomic_load_explicit(&numbers, memory_order_acquire))
        return false;
    atomic_store_explicit(&connections[fd], connection, memory_order_release);
    return true;
}

void seam_forget(int fd, struct connection *connection)
{
    if (fd < 0 || (size_t)fd >= atomic_load_explicit(&numbers, memory_order_acquire))
        return; /* it was not registered */
    atomic_compare_exchange_strong(&connections[fd], &connection, NULL);
}

unsigned long seam_calls(void)
{
    return calls;
}

/* In place of libc's, for this program and the shared objects that it loads. recvfrom without an
 * address is the same system call. */
ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    struct connection *connection = NULL;
    if (fd >= 0 && (size_t)fd < atomic_load_explicit(&numbers, memory_order_acquire))
        connection = atomic_load_explicit(&connections[fd], memory_order_acquire);
    if (!connection || flags != 0)
        return recvfrom(fd, buffer, size, flags, NULL, NULL);
    calls++;
    return connection_read(connection, buffer, size);
}
