/* SPDX-License-Identifier: Apache-2.0 */
#include "concert.h"

#include "answers.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 20000 };

void voice_prepare(struct voice *voice, struct stage *stage)
{
    alone_say(&voice->alone, stage, &voice->script, voice->ending == ENDS || voice->script.cut);
}

bool voice_has_more(const struct voice *voice)
{
    return voice->next < voice->pieces;
}

void voice_speak(struct voice *voice, struct stage *stage)
{
    if (!voice->opened && voice->tcp)
        peer_connect(&voice->peer, stage, voice->from);
    else if (!voice->opened)
        peer_open(&voice->peer, stage);
    voice->opened = true;
    size_t from = voice->next ? voice->ends[voice->next - 1] : 0;
    peer_write(&voice->peer, voice->script.octets + from, voice->ends[voice->next] - from);
    voice->next++;
    if (voice_has_more(voice) || voice->ending == STAYS)
        return;
    if (voice->ending == ENDS)
        peer_end(&voice->peer);
    else
        peer_close(&voice->peer, voice->ending == RESETS);
}

static bool leaves(const struct voice *voice)
{
    return voice->ending == CLOSES || voice->ending == RESETS;
}

/* Whether it has heard what it hears alone, and no more. */
static bool has_heard(struct voice *voice)
{
    const struct heard *wanted = &voice->alone.heard;
    struct peer *peer = &voice->peer;
    peer_read(peer);
    peer->length = answers_settle(peer->octets, peer->length);
    return peer->length == wanted->length && (peer->eof || peer->broken) == wanted->end &&
           (wanted->length == 0 || memcmp(peer->octets, wanted->octets, wanted->length) == 0);
}

static void tell(const struct voice *voice, unsigned number)
{
    fprintf(stderr, "voice %u, %s, %u pieces, ending %d\n", number, voice->tcp ? "tcp" : "unix",
            voice->pieces, voice->ending);
    answers_show("said", voice->script.octets, voice->script.length);
    for (unsigned i = 0; i < voice->pieces; i++)
        fprintf(stderr, "%s%zu", i ? ", " : "pieces end at ", voice->ends[i]);
    answers_show("\nheard alone", voice->alone.heard.octets, voice->alone.heard.length);
    fprintf(stderr, "%s\n", voice->alone.heard.end ? "and the end" : "and no end");
    answers_show("heard", voice->peer.octets, voice->peer.length);
    fprintf(stderr, "%s\n",
            voice->peer.eof      ? "and the end"
            : voice->peer.broken ? "and a reset"
                                 : "and no end");
}

static bool all_heard(struct stage *stage, struct voice *voices, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int64_t until = stage_clock() + PATIENCE_MS;
        if (leaves(&voices[i]))
            continue;
        while (!has_heard(&voices[i])) {
            stage_settle(stage);
            if (stage_clock() > until) {
                tell(&voices[i], i);
                return false;
            }
            if (voices[i].peer.length > voices[i].alone.heard.length)
                until = 0; /* it will not become less */
        }
    }
    return true;
}

/* Everything that is done alone is done once, and nothing else. What somebody wanted who has left
 * may have been done. */
static bool all_done(struct stage *stage, struct voice *voices, unsigned count)
{
    unsigned least[IDS] = {0}, most[IDS] = {0};
    for (unsigned i = 0; i < count; i++)
        for (unsigned id = 0; id < IDS; id++) {
            most[id] += voices[i].alone.writes[id];
            least[id] += leaves(&voices[i]) ? 0 : voices[i].alone.writes[id];
        }
    for (unsigned id = 0; id < IDS; id++) {
        unsigned done = stage->application.writes[id];
        if (done >= least[id] && done <= most[id])
            continue;
        fprintf(stderr, "%u was done %u times in place of %u to %u\n", id, done, least[id],
                most[id]);
        for (unsigned i = 0; i < count; i++)
            tell(&voices[i], i);
        return false;
    }
    return true;
}

bool concert_end(struct stage *stage, struct voice *voices, unsigned count)
{
    bool good = all_heard(stage, voices, count);
    stage_settle(stage);
    good = good && all_heard(stage, voices, count);
    for (unsigned i = 0; i < count; i++)
        peer_close(&voices[i].peer, i % 2);
    int64_t until = stage_clock() + PATIENCE_MS;
    while (http_connections(stage->http) > 0 && stage_clock() < until)
        stage_settle(stage);
    good = good && all_done(stage, voices, count);
    stage->now += 3000; /* sockets do not linger for longer */
    http_tend(stage->http, stage->now);
    stage_check_empty(stage);
    return good;
}

void concert_free(struct voice *voices, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        script_free(&voices[i].script);
        alone_free(&voices[i].alone);
    }
}
