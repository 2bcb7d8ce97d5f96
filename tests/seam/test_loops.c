/* SPDX-License-Identifier: Apache-2.0 */
/* Four loops, each a thread with an engine of its own, that share a listening socket and the shares
 * of addresses: whoever takes a client in, it hears what it has to.
 *
 * ONRAMP_TEST_CLIENTS  of each loop, 1,000 unless told otherwise
 * ONRAMP_TEST_SEED     what they are drawn from, 1 */
#include "answers.h"
#include "chance.h"
#include "demand.h"
#include "peer.h"
#include "script.h"
#include "tests/suite.h"

#include "http/shares.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOPS = 4, TOGETHER = 4, SHARE = 1000 };

struct loop {
    pthread_t thread;
    struct stage stage;
    uint64_t random;
    unsigned long clients;
    unsigned wanted[IDS];
    unsigned number;
};

static atomic_uint busy;

static void say_and_hear(struct loop *loop)
{
    struct script scripts[TOGETHER];
    struct peer peers[TOGETHER];
    size_t said[TOGETHER] = {0};
    for (unsigned i = 0; i < TOGETHER; i++) {
        unsigned id = 1 + loop->number * 50 + chance_below(&loop->random, 40);
        script_begin(&scripts[i]);
        for (unsigned left = 1 + chance_below(&loop->random, 3); left > 0; left--)
            script_add_valid(&scripts[i], &loop->random, id++);
        if (chance(&loop->random, 3))
            script_add_refused(&scripts[i], &loop->random, id);
        for (unsigned j = 0; j < scripts[i].write_count; j++)
            loop->wanted[scripts[i].writes[j]]++;
        peer_connect(&peers[i], &loop->stage, 1 + chance_below(&loop->random, 0xFFFFFE));
    }
    for (unsigned left = TOGETHER; left > 0;) {
        unsigned i = chance_below(&loop->random, TOGETHER);
        size_t rest = scripts[i].length - said[i];
        if (rest == 0)
            continue;
        size_t piece =
            chance(&loop->random, 3) ? rest : 1 + chance_below(&loop->random, (unsigned)rest);
        peer_write(&peers[i], scripts[i].octets + said[i], piece);
        said[i] += piece;
        left -= piece == rest;
        if (piece == rest)
            peer_end(&peers[i]);
        stage_turn(&loop->stage);
    }
    for (unsigned i = 0; i < TOGETHER; i++) {
        const char *why = NULL;
        peer_await_end(&peers[i]);
        peers[i].length = answers_settle(peers[i].octets, peers[i].length);
        bool good = answers_match(&scripts[i], peers[i].octets, peers[i].length, &why);
        if (!good) {
            answers_show("said", scripts[i].octets, scripts[i].length);
            answers_show("heard", peers[i].octets, peers[i].length);
        }
        demand(good, "%s", why);
        peer_close(&peers[i], false);
        script_free(&scripts[i]);
    }
}

static void *run(void *cls)
{
    struct loop *loop = cls;
    for (unsigned long i = 0; i < loop->clients; i += TOGETHER)
        say_and_hear(loop);
    atomic_fetch_sub(&busy, 1);
    /* Others may have a client here. */
    while (atomic_load(&busy) > 0)
        stage_turn(&loop->stage);
    stage_empty(&loop->stage);
    return NULL;
}

START_TEST(four_loops_serve_each_client_once)
{
    static struct loop loops[LOOPS];
    uint64_t seed = suite_number("ONRAMP_TEST_SEED", 1);
    unsigned long clients = suite_number("ONRAMP_TEST_CLIENTS", 1000);
    struct sockaddr_in where;
    int listen_fd = stage_listen(&where);
    struct shares *shares = shares_new(SHARE);
    atomic_store(&busy, LOOPS);
    for (unsigned i = 0; i < LOOPS; i++) {
        stage_open(
            &loops[i].stage,
            &(struct stage_wish){.seed = seed + i, .listen_fd = listen_fd, .shares = shares});
        loops[i].stage.listening = where;
        loops[i].random = seed * LOOPS + i;
        loops[i].clients = clients;
        loops[i].number = i;
    }
    for (unsigned i = 0; i < LOOPS; i++)
        demand(pthread_create(&loops[i].thread, NULL, run, &loops[i]) == 0, "no thread");
    for (unsigned i = 0; i < LOOPS; i++)
        pthread_join(loops[i].thread, NULL);
    for (unsigned id = 0; id < IDS; id++) {
        unsigned wanted = 0, done = 0;
        for (unsigned i = 0; i < LOOPS; i++) {
            wanted += loops[i].wanted[id];
            done += loops[i].stage.application.writes[id];
        }
        demand(done == wanted, "%u was done %u times in place of %u", id, done, wanted);
    }
    for (unsigned i = 0; i < LOOPS; i++) {
        stage_check_empty(&loops[i].stage);
        stage_close(&loops[i].stage);
    }
    shares_free(shares);
    close(listen_fd);
    printf("%d loops, %lu clients each, seed %llu\n", LOOPS, clients, (unsigned long long)seed);
}
END_TEST

int main(void)
{
    static const TTest *tests[8];
    tests[0] = four_loops_serve_each_client_once;
    return suite_run("loops", (struct suite_fixture){0}, tests, 300);
}
