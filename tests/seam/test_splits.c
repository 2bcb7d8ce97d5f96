/* SPDX-License-Identifier: Apache-2.0 */
/* Two hundred requests, each cut in two wherever it can be: the answers are those of the uncut one.
 *
 * ONRAMP_TEST_SEED  what they are drawn from, 1 */
#include "alone.h"
#include "answers.h"
#include "chance.h"
#include "demand.h"
#include "peer.h"
#include "script.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

enum {
    REQUESTS = 200,
    SMALL = 3000, /* octets; of larger ones some positions are left out */
    STRIDE = 509
};

static void cut_at(struct stage *stage, const struct script *script, const struct alone *alone,
                   bool ends, size_t at)
{
    struct peer peer;
    application_forget(&stage->application);
    peer_open(&peer, stage);
    peer_write(&peer, script->octets, at);
    stage_settle(stage);
    peer_write(&peer, script->octets + at, script->length - at);
    if (ends)
        peer_end(&peer);
    peer_hear(&peer);
    size_t length = answers_settle(peer.octets, peer.length);
    bool same = length == alone->heard.length && peer.eof == alone->heard.end &&
                (length == 0 || memcmp(peer.octets, alone->heard.octets, length) == 0) &&
                memcmp(stage->application.writes, alone->writes, sizeof alone->writes) == 0;
    if (!same) {
        answers_show("said", script->octets, script->length);
        answers_show("heard uncut", alone->heard.octets, alone->heard.length);
        answers_show("heard", peer.octets, length);
    }
    demand(same, "cut at %zu another answer is given", at);
    peer_close(&peer, false);
    stage_settle(stage);
    stage->now += 3000;
    http_tend(stage->http, stage->now);
    stage_check_empty(stage);
}

static unsigned long cut_everywhere(struct stage *stage, const struct script *script, bool ends)
{
    struct alone alone;
    unsigned long cuts = 0;
    alone_say(&alone, stage, script, ends);
    for (size_t at = 0; at <= script->length;) {
        cut_at(stage, script, &alone, ends, at);
        cuts++;
        bool inside = script->length > SMALL && at > SMALL / 4 && at + SMALL / 4 < script->length;
        at += inside ? STRIDE : 1;
    }
    alone_free(&alone);
    return cuts;
}

/* Each kind of request alone, before another, and behind another; and those that end too soon. */
static void draw(struct script *script, uint64_t *random, unsigned number, bool *ends)
{
    unsigned kinds = script_valid_count + script_refused_count, kind = number % (kinds + 2);
    script_begin(script);
    *ends = kind >= kinds;
    if (number / (kinds + 2) == 2)
        script_add_valid(script, random, 1);
    if (*ends)
        script_add_cut(script, random, 2);
    else
        script_add(script, random, kind >= script_valid_count,
                   kind < script_valid_count ? kind : kind - script_valid_count, 2);
    if (number / (kinds + 2) == 1 && !*ends)
        script_add_valid(script, random, 3);
}

START_TEST(a_request_that_is_cut_anywhere_gets_the_answer_of_the_uncut_one)
{
    uint64_t seed = suite_number("ONRAMP_TEST_SEED", 1), random = seed;
    struct stage stage;
    unsigned long cuts = 0;
    stage_open(&stage, &(struct stage_wish){.seed = seed});
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct script script;
        bool ends;
        draw(&script, &random, i, &ends);
        cuts += cut_everywhere(&stage, &script, ends);
        script_free(&script);
    }
    stage_close(&stage);
    printf("%d requests, %lu cuts, seed %llu\n", REQUESTS, cuts, (unsigned long long)seed);
}
END_TEST

int main(void)
{
    static const TTest *tests[8];
    tests[0] = a_request_that_is_cut_anywhere_gets_the_answer_of_the_uncut_one;
    return suite_run("splits", (struct suite_fixture){0}, tests, 300);
}
