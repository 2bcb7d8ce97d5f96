/* SPDX-License-Identifier: Apache-2.0 */
#include "db/cancel.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static void *send_and_free(void *of)
{
    char ignored[256];
    PQcancel(of, ignored, sizeof ignored);
    PQfreeCancel(of);
    return NULL;
}

void cancel_send(PGconn *connection)
{
    PGcancel *cancel = PQgetCancel(connection);
    pthread_attr_t detached;
    pthread_t thread;
    sigset_t all, before;
    if (cancel == NULL)
        return;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, &detached, send_and_free, cancel) != 0)
        PQfreeCancel(cancel);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}
