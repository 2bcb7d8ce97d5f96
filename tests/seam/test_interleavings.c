/* SPDX-License-Identifier: Apache-2.0 */
/* Two to eight clients, whose pieces come in in a random order: heads in pieces, bad heads, chunks,
 * bodies, half closes, closes, resets, requests sent together. Each hears what it hears alone, and
 * what is refused is not done.
 *
 * ONRAMP_TEST_CASES  how many, 5,000 unless told otherwise; 100,000 are the long form
 * ONRAMP_TEST_SEED   what they are drawn from, 1
 * ONRAMP_TEST_CASE   only that one of them */
#include "chance.h"
#include "concert.h"
#include "demand.h"
#include "tests/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECONDS = 1800 };

static int compare(const void *one, const void *two)
{
    size_t a = *(const size_t *)one, b = *(const size_t *)two;
    return (a > b) - (a < b);
}

static void cut(struct voice *voice, uint64_t *random)
{
    unsigned length = (unsigned)voice->script.length;
    voice->pieces = 1 + chance_below(random, length < PIECES_MAX ? 1 : PIECES_MAX);
    for (unsigned i = 0; i + 1 < voice->pieces; i++)
        voice->ends[i] = chance_below(random, length + 1);
    voice->ends[voice->pieces - 1] = length;
    qsort(voice->ends, voice->pieces, sizeof *voice->ends, compare);
}

static void draw(struct voice *voice, uint64_t *random, unsigned id)
{
    static const enum ending endings[] = {STAYS, STAYS, STAYS, STAYS, ENDS, ENDS, CLOSES, RESETS};
    *voice = (struct voice){
        .ending = endings[chance_below(random, 8)],
        .tcp = chance(random, 4),
        .from = 1 + chance_below(random, 0xFFFFFE),
    };
    script_begin(&voice->script);
    for (unsigned left = chance_below(random, 4); left > 0; left--)
        script_add_valid(&voice->script, random, id++);
    if (chance(random, 2))
        script_add_refused(&voice->script, random, id++);
    if (chance(random, 4)) {
        script_add_cut(&voice->script, random, id++);
        if (voice->ending == STAYS)
            voice->ending = ENDS;
    } else if (voice->script.length == 0 || chance(random, 2)) {
        script_add_valid(&voice->script, random, id++);
    }
    if (chance(random, 8))
        script_mutate(&voice->script, random);
    cut(voice, random);
}

static void speak(struct stage *stage, struct voice *voices, unsigned count, uint64_t *random)
{
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++)
        left += voices[i].pieces;
    application_forget(&stage->application);
    while (left > 0) {
        struct voice *voice = &voices[chance_below(random, count)];
        if (!voice_has_more(voice))
            continue;
        voice_speak(voice, stage);
        left--;
        for (unsigned turns = chance_below(random, 4); turns > 0; turns--)
            stage_turn(stage);
    }
}

static void play(struct stage *stage, uint64_t seed, unsigned long number)
{
    enum { IDS_OF_A_VOICE = 8 };
    uint64_t random = seed * UINT64_C(1000003) + number;
    struct voice voices[VOICES_MAX];
    unsigned count = 2 + chance_below(&random, VOICES_MAX - 1);
    for (unsigned i = 0; i < count; i++) {
        draw(&voices[i], &random, 1 + i * IDS_OF_A_VOICE);
        voice_prepare(&voices[i], stage);
    }
    speak(stage, voices, count, &random);
    demand(concert_end(stage, voices, count), "ONRAMP_TEST_SEED=%llu ONRAMP_TEST_CASE=%lu shows it",
           (unsigned long long)seed, number);
    concert_free(voices, count);
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    must(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

START_TEST(clients_in_any_order_hear_what_each_hears_alone)
{
    uint64_t seed = suite_number("ONRAMP_TEST_SEED", 1);
    unsigned long cases = suite_number("ONRAMP_TEST_CASES", 5000);
    unsigned long only = suite_number("ONRAMP_TEST_CASE", cases);
    struct stage stage;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    stage_open(&stage, &(struct stage_wish){.seed = seed});
    unsigned before = descriptors();
    for (unsigned long i = 0; i < cases; i++)
        if (only == cases || i == only)
            play(&stage, seed, i);
    stage_empty(&stage);
    stage_check_empty(&stage);
    must(descriptors() == before);
    stage_close(&stage);
    printf("%lu interleavings, seed %llu\n", only == cases ? cases : 1, (unsigned long long)seed);
}
END_TEST

int main(void)
{
    static const TTest *tests[8];
    tests[0] = clients_in_any_order_hear_what_each_hears_alone;
    return suite_run("interleavings", (struct suite_fixture){0}, tests, SECONDS);
}
