/* SPDX-License-Identifier: Apache-2.0 */
/* Two clients, three pieces each, in every order: each hears what it hears alone.
 *
 * ONRAMP_TEST_SEED  what they are drawn from, 1 */
#include "chance.h"
#include "concert.h"
#include "demand.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

enum { PAIRS = 300, PIECES = 3, ORDERS = 20 /* 6 over 3 */ };

/* Those numbers below 64 that have three bits: a bit is whose turn it is. */
static unsigned next_order(unsigned order)
{
    do
        order++;
    while (__builtin_popcount(order) != PIECES);
    return order;
}

static void voices_reset(struct voice voices[2])
{
    for (int i = 0; i < 2; i++) {
        voices[i].next = 0;
        voices[i].opened = false;
    }
}

static unsigned every_order(struct stage *stage, struct voice voices[2])
{
    unsigned orders = 0;
    for (int i = 0; i < 2; i++)
        voice_prepare(&voices[i], stage);
    for (unsigned order = next_order(0); order < 1u << 2 * PIECES; order = next_order(order)) {
        /* With turns between the pieces, and with as few as there can be. */
        for (int settles = 0; settles < 2; settles++) {
            voices_reset(voices);
            application_forget(&stage->application);
            for (unsigned at = 0; at < 2 * PIECES; at++) {
                voice_speak(&voices[order >> at & 1], stage);
                if (settles)
                    stage_settle(stage);
                else
                    stage_turn(stage);
            }
            demand(concert_end(stage, voices, 2), "in the order %u", order);
        }
        orders++;
    }
    must(orders == ORDERS);
    return orders * 2;
}

static void pieces_say(struct voice *voice, const char *const pieces[PIECES])
{
    script_begin(&voice->script);
    voice->pieces = PIECES;
    for (unsigned i = 0; i < PIECES; i++) {
        script_say(&voice->script, pieces[i], strlen(pieces[i]));
        voice->ends[i] = voice->script.length;
    }
}

static void hears(struct script *script, int status, const char *body)
{
    struct expected *expected = &script->answers[script->answer_count++];
    *expected = (struct expected){.status = status};
    snprintf(expected->body, sizeof expected->body, "%s", body);
}

/* One client has half a head behind a whole request when the other one's write comes in: once the
 * engine took one for the other. */
START_TEST(a_write_beside_somebody_elses_half_head_is_answered)
{
    static const char *const first[] = {
        "GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /write/2 HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\n",
        "Authorization: good\r\nContent-Length: 2\r\n", "\r\n{}"};
    static const char *const second[] = {"GET /echo/3 HTTP/1.1\r\nHost: x\r\n\r\nGET /aaa", "\r\n",
                                         "\r\n"};
    struct stage stage;
    struct voice voices[2] = {{.ending = STAYS}, {.ending = STAYS}};
    stage_open(&stage, &(struct stage_wish){.seed = 1});
    pieces_say(&voices[0], first);
    hears(&voices[0].script, 200, "echo 1");
    char wrote[64];
    snprintf(wrote, sizeof wrote, "wrote 2 2 %llx", (unsigned long long)application_sum("{}", 2));
    hears(&voices[0].script, 200, wrote);
    voices[0].script.writes[voices[0].script.write_count++] = 2;
    pieces_say(&voices[1], second);
    hears(&voices[1].script, 200, "echo 3");
    hears(&voices[1].script, 400, "malformed_request");
    voices[1].script.closes = true;
    printf("%u orders of the two\n", every_order(&stage, voices));
    concert_free(voices, 2);
    stage_close(&stage);
}
END_TEST

static void draw(struct voice *voice, uint64_t *random, unsigned id)
{
    *voice = (struct voice){.pieces = PIECES, .ending = chance(random, 4) ? ENDS : STAYS};
    script_begin(&voice->script);
    for (unsigned left = 1 + chance_below(random, 2); left > 0; left--)
        script_add_valid(&voice->script, random, id++);
    if (chance(random, 2))
        script_add_refused(&voice->script, random, id++);
    if (chance(random, 3))
        script_add_valid(&voice->script, random, id++);
    unsigned length = (unsigned)voice->script.length;
    size_t one = 1 + chance_below(random, length - 1), two = 1 + chance_below(random, length - 1);
    voice->ends[0] = one < two ? one : two;
    voice->ends[1] = one < two ? two : one;
    voice->ends[2] = length;
}

START_TEST(two_clients_in_any_order_hear_what_each_hears_alone)
{
    uint64_t seed = suite_number("ONRAMP_TEST_SEED", 1), random = seed;
    struct stage stage;
    unsigned cases = 0;
    stage_open(&stage, &(struct stage_wish){.seed = seed});
    for (unsigned i = 0; i < PAIRS; i++) {
        struct voice voices[2];
        draw(&voices[0], &random, 1);
        draw(&voices[1], &random, 11);
        cases += every_order(&stage, voices);
        concert_free(voices, 2);
    }
    stage_close(&stage);
    printf("%d pairs, %u cases, seed %llu\n", PAIRS, cases, (unsigned long long)seed);
}
END_TEST

int main(void)
{
    static const TTest *tests[8];
    tests[0] = a_write_beside_somebody_elses_half_head_is_answered;
    tests[1] = two_clients_in_any_order_hear_what_each_hears_alone;
    return suite_run("orders", (struct suite_fixture){0}, tests, 300);
}
