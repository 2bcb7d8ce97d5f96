/* SPDX-License-Identifier: Apache-2.0 */
/* webhook_receiver.h - listens for webhooks, on the thread of who runs it. */
#ifndef ONRAMP_SIMULATOR_RECEIVER_H
#define ONRAMP_SIMULATOR_RECEIVER_H

#include <stddef.h>

struct receiver;

/* A webhook that came; headers that were not there are empty. The status to answer with. */
typedef int receiver_take(void *context, const char *id, const char *timestamp,
                          const char *signatures, const char *body, size_t length);

/* Listen on address:port, in numbers, [::1]:0 likewise; port 0: any. NULL with a sentence, static,
 * when that cannot be. The caller frees it with receiver_close. */
struct receiver *receiver_open(const char *address, receiver_take *take, void *context,
                               const char **fault);
void receiver_close(struct receiver *receiver);

/* A descriptor that is readable when receiver_run has something to do. */
int receiver_descriptor(const struct receiver *receiver);

/* Where it listens, http://127.0.0.1:40123/. Borrowed. */
const char *receiver_url(const struct receiver *receiver);

/* Do what there is to do, without waiting. */
void receiver_run(struct receiver *receiver);

#endif
