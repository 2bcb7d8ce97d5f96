/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - the feed as Server-Sent Events (WHATWG HTML, section 9.2): an answer that goes on.
 *
 * One page of events is in memory at a time: the next is read when the client has taken this one,
 * so that a slow reader holds up nobody and nothing but itself. A stream that has nothing to send
 * is suspended, and says so now and then by a comment. It ends when the server stops, when its
 * token is no longer live, when its client takes nothing for a while or has gone, and when the
 * database cannot be asked for some seconds; its client comes again with Last-Event-ID. */
#ifndef ONRAMP_API_STREAM_H
#define ONRAMP_API_STREAM_H

#include <stdbool.h>

struct request;
struct rows;
struct stream;

/* Whether the request would rather have the feed as a stream. */
bool stream_wanted(const struct request *request);

/* Answer with the events of the page, and with what will follow. */
void stream_begin(struct request *request, const struct rows *rows);

/* Its turn has come to look for more, or to end. */
void stream_go_on(struct request *request);

/* Whether it is suspended and nothing is on its way. */
bool stream_asleep(const struct request *request);

/* There is no database any more. */
void stream_cut(struct request *request);

/* The request is over. */
void stream_free(struct stream *stream);

#endif
