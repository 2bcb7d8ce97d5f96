/* SPDX-License-Identifier: Apache-2.0 */
#include "alone.h"
#include "demand.h"

#include "answers.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct alone *alone, const struct script *script, bool ends)
{
    const char *why = NULL;
    unsigned wanted[IDS] = {0};
    bool good = true;
    for (unsigned i = 0; i < script->write_count; i++)
        wanted[script->writes[i]]++;
    if (!script->mutated) {
        good = answers_match(script, alone->heard.octets, alone->heard.length, &why);
        if (good && alone->heard.end != (script->closes || ends)) {
            good = false;
            why = "the connection ends, or does not";
        }
        if (good && memcmp(wanted, alone->writes, sizeof wanted) != 0) {
            good = false;
            why = "something else was done";
        }
    } else if (alone->heard.length > 0 && strstr(alone->heard.octets, "<html")) {
        good = false;
        why = "an answer is not the application's";
    }
    if (!good) {
        answers_show("said alone", script->octets, script->length);
        answers_show("heard", alone->heard.octets, alone->heard.length);
    }
    demand(good, "alone: %s", why);
}

void alone_say(struct alone *alone, struct stage *stage, const struct script *script, bool ends)
{
    struct peer peer;
    application_forget(&stage->application);
    peer_open(&peer, stage);
    peer_write(&peer, script->octets, script->length);
    if (ends)
        peer_end(&peer);
    peer_hear(&peer);
    (void)peer_text(&peer);
    alone->heard = (struct heard){peer.octets, answers_settle(peer.octets, peer.length), peer.eof};
    if (peer.octets)
        peer.octets[alone->heard.length] = '\0';
    peer.octets = NULL;
    memcpy(alone->writes, stage->application.writes, sizeof alone->writes);
    peer_end(&peer);
    stage_settle(stage);
    peer_close(&peer, false);
    stage_settle(stage);
    must(http_connections(stage->http) == 0);
    must(stage->application.live == 0);
    check(alone, script, ends);
}

void alone_free(struct alone *alone)
{
    free(alone->heard.octets);
    alone->heard.octets = NULL;
}
