/* SPDX-License-Identifier: Apache-2.0 */
/* Many clients and long times: who makes room, who is refused, how long each may take. */
#include "peer.h"
#include "tests/suite.h"

#include "http/shares.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST  "Host: x\r\n"
#define ECHO_ "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n"
#define WAIT_ "GET /wait/1 HTTP/1.1\r\n" HOST "\r\n"

static struct stage stage;

static void open_stage(const struct stage_wish *wish)
{
    stage_open(&stage, wish);
    stage.application.waiting_turns = 0;
}

static void close_stage(void)
{
    stage_empty(&stage);
    stage_check_empty(&stage);
    stage_close(&stage);
}

static void is_served(struct peer *peer)
{
    peer_forget(peer);
    peer_say(peer, ECHO_);
    peer_await(peer, 1);
    peer_hear(peer);
    ck_assert_msg(strstr(peer_text(peer), "HTTP/1.1 200 ") == peer_text(peer), "heard: %s",
                  peer_text(peer));
    peer_forget(peer);
}

static bool is_open(struct peer *peer)
{
    peer_hear(peer);
    return !peer->eof && !peer->broken;
}

/* --- room --- */

enum { MOMENT_MS = 250, PATIENCE_MS = 20000 };

/* The same, of one that has to be let in first: a moment goes by, in which those that have come are
 * no longer new. */
static void is_let_in(struct peer *peer)
{
    int64_t until = stage_clock() + PATIENCE_MS;
    stage.now += MOMENT_MS;
    peer_say(peer, ECHO_);
    while (peer->length == 0 && !peer->eof && !peer->broken) {
        ck_assert_msg(stage_clock() < until, "nobody lets it in");
        http_tend(stage.http, stage.now);
        stage_turn(&stage);
        peer_read(peer);
    }
    peer_hear(peer);
    ck_assert_msg(strstr(peer_text(peer), "HTTP/1.1 200 ") == peer_text(peer), "heard: %s",
                  peer_text(peer));
    peer_forget(peer);
}

START_TEST(the_one_that_is_idle_longest_makes_room)
{
    enum { ROOM = 4 };
    struct peer peers[ROOM + 3];
    open_stage(&(struct stage_wish){.connections = ROOM});
    for (int i = 0; i < ROOM; i++) {
        peer_connect(&peers[i], &stage, 0);
        is_let_in(&peers[i]);
    }
    is_served(&peers[0]); /* now the second is idle longest */
    for (int i = 0; i < 2; i++) {
        peer_connect(&peers[ROOM + i], &stage, 0);
        is_let_in(&peers[ROOM + i]);
        peer_await_end(&peers[i + 1]);
        ck_assert_uint_eq(peers[i + 1].length, 0);
    }
    ck_assert(is_open(&peers[0]) && is_open(&peers[3]));
    ck_assert_uint_le(http_connections(stage.http), ROOM);
    /* Half a head keeps nobody. */
    peer_say(&peers[3], "GET /echo");
    peer_connect(&peers[ROOM + 2], &stage, 0);
    is_let_in(&peers[ROOM + 2]);
    peer_await_end(&peers[3]);
    for (int i = 0; i < ROOM + 3; i++)
        peer_close(&peers[i], true);
    close_stage();
}
END_TEST

START_TEST(who_has_a_request_under_way_makes_no_room)
{
    enum { ROOM = 3 };
    struct peer peers[ROOM], late;
    open_stage(&(struct stage_wish){.connections = ROOM});
    for (int i = 0; i < ROOM; i++) {
        peer_connect(&peers[i], &stage, 0);
        peer_say(&peers[i], WAIT_);
        for (int64_t until = stage_clock() + 10000; stage.application.live <= (unsigned)i;) {
            ck_assert_msg(stage_clock() < until, "request %d is not read", i);
            stage_turn(&stage);
        }
    }
    peer_connect(&late, &stage, 0);
    for (int i = 0; i < 50; i++) {
        stage.now += MOMENT_MS;
        http_tend(stage.http, stage.now);
        stage_turn(&stage);
    }
    peer_read(&late);
    ck_assert_uint_eq(late.length, 0);
    for (int i = 0; i < ROOM; i++)
        ck_assert(is_open(&peers[i]));
    ck_assert_uint_eq(http_connections(stage.http), ROOM);
    /* When one goes on, the new one is served. */
    application_let(&stage.application);
    for (int i = 0; i < ROOM; i++) {
        peer_await(&peers[i], 1);
        peer_forget(&peers[i]);
    }
    is_let_in(&late);
    for (int i = 0; i < ROOM; i++)
        peer_close(&peers[i], true);
    peer_close(&late, true);
    close_stage();
}
END_TEST

START_TEST(a_new_client_is_served_while_idle_ones_hold_all)
{
    enum { ROOM = 200, NEW = 400 };
    static struct peer peers[ROOM + NEW];
    open_stage(&(struct stage_wish){.connections = ROOM});
    for (int i = 0; i < ROOM + NEW; i++) {
        peer_connect(&peers[i], &stage, 1 + (unsigned)i);
        is_let_in(&peers[i]);
        ck_assert_uint_le(http_connections(stage.http), ROOM + 1);
    }
    for (int i = 0; i < NEW; i++)
        peer_await_end(&peers[i]);
    for (int i = 0; i < ROOM + NEW; i++)
        peer_close(&peers[i], true);
    close_stage();
}
END_TEST

/* It has had no time to say what it wants. */
START_TEST(who_came_a_moment_ago_makes_no_room)
{
    struct peer busy, fresh, late;
    open_stage(&(struct stage_wish){.connections = 2});
    peer_connect(&busy, &stage, 0);
    is_let_in(&busy);
    peer_say(&busy, WAIT_);
    while (stage.application.live == 0)
        stage_turn(&stage);
    peer_connect(&fresh, &stage, 0);
    while (http_connections(stage.http) < 2)
        stage_turn(&stage);
    peer_connect(&late, &stage, 0);
    for (int i = 0; i < 50; i++) {
        http_tend(stage.http, stage.now);
        stage_turn(&stage);
    }
    ck_assert(is_open(&fresh));
    is_served(&fresh);
    ck_assert_uint_eq(http_connections(stage.http), 2);
    is_let_in(&late);
    peer_await_end(&fresh);
    ck_assert(is_open(&busy));
    application_let(&stage.application);
    peer_await(&busy, 1);
    peer_close(&busy, true);
    peer_close(&fresh, true);
    peer_close(&late, true);
    close_stage();
}
END_TEST

/* --- a program that is being started --- */

/* A child with all descriptors, until the other end is closed. */
static pid_t child_holding(int *release)
{
    int ends[2];
    char octet;
    ck_assert(pipe(ends) == 0);
    pid_t child = fork();
    ck_assert(child >= 0);
    if (child == 0) {
        close(ends[1]);
        (void)!read(ends[0], &octet, 1);
        _exit(0);
    }
    close(ends[0]);
    *release = ends[1];
    return child;
}

static void no_event_comes(void)
{
    struct epoll_event events[4];
    ck_assert_int_eq(epoll_wait(stage.epoll_fd, events, 4, 0), 0);
}

/* The child keeps the sockets open; their watches have gone all the same. */
START_TEST(a_socket_that_somebody_else_holds_wakes_nobody)
{
    struct peer refused, closed;
    int release, status;
    open_stage(&(struct stage_wish){0});
    peer_open(&refused, &stage);
    peer_open(&closed, &stage);
    pid_t child = child_holding(&release);
    peer_say(&refused, "GET / HTTP/1.1\r\nA : b\r\n\r\nand more");
    peer_say(&closed, "GET /echo/1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    stage_empty(&stage); /* nor does the first one linger any more */
    peer_say(&refused, "octets");
    peer_say(&closed, "octets");
    no_event_comes();
    close(release);
    ck_assert(waitpid(child, &status, 0) == child);
    peer_close(&refused, false);
    peer_close(&closed, false);
    no_event_comes();
    close_stage();
}
END_TEST

/* --- shares --- */

START_TEST(an_address_has_its_share_and_is_told_so)
{
    struct peer peers[3], another, refused;
    open_stage(&(struct stage_wish){.share = 3});
    for (int i = 0; i < 3; i++) {
        peer_connect(&peers[i], &stage, 5);
        is_served(&peers[i]);
    }
    peer_connect(&refused, &stage, 5);
    peer_say(&refused, "POST /write/1 HTTP/1.1\r\n" HOST "\r\n");
    peer_await_end(&refused);
    ck_assert_msg(strstr(peer_text(&refused), "HTTP/1.1 503 ") == peer_text(&refused) &&
                      strstr(peer_text(&refused), "overloaded"),
                  "heard: %s", peer_text(&refused));
    ck_assert(refused.eof);
    ck_assert_uint_eq(stage.application.writes[1], 0);
    peer_connect(&another, &stage, 6);
    is_served(&another);
    for (int i = 0; i < 3; i++)
        is_served(&peers[i]);
    /* Who goes gives his place back. */
    peer_close(&peers[0], true);
    while (http_connections(stage.http) > 3)
        stage_turn(&stage);
    peer_connect(&peers[0], &stage, 5);
    is_served(&peers[0]);
    for (int i = 0; i < 3; i++)
        peer_close(&peers[i], true);
    peer_close(&another, true);
    peer_close(&refused, true);
    close_stage();
}
END_TEST

/* It says nothing, and hears why it is not wanted. */
START_TEST(who_is_refused_a_share_hears_so_without_asking)
{
    struct peer first, refused;
    open_stage(&(struct stage_wish){.share = 1});
    peer_connect(&first, &stage, 5);
    is_served(&first);
    peer_connect(&refused, &stage, 5);
    peer_await_end(&refused);
    ck_assert_ptr_nonnull(strstr(peer_text(&refused), " 503 "));
    peer_close(&first, true);
    peer_close(&refused, true);
    close_stage();
}
END_TEST

START_TEST(trusted_proxies_have_no_share)
{
    struct peer peers[8];
    struct block proxies;
    ck_assert(block_read(&proxies, "127.0.0.8/29"));
    open_stage(&(struct stage_wish){.share = 1, .proxies = &proxies, .proxy_count = 1});
    for (int i = 0; i < 8; i++) {
        peer_connect(&peers[i], &stage, 9);
        is_served(&peers[i]);
    }
    for (int i = 0; i < 8; i++)
        peer_close(&peers[i], true);
    close_stage();
}
END_TEST

/* --- proxies --- */

#define PREFACE "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x34\0\x50"
#define CLIENT_ "GET /client HTTP/1.1\r\n" HOST

static void is_client(struct peer *peer, const char *wanted)
{
    peer_await(peer, 1);
    peer_hear(peer);
    const char *text = peer_text(peer), *body = strstr(text, "\r\n\r\n");
    ck_assert_msg(body && strcmp(body + 4, wanted) == 0, "heard: %s", text);
    peer_forget(peer);
}

START_TEST(a_trusted_proxy_names_the_client)
{
    static const char preface[] = PREFACE;
    struct peer peer;
    struct block proxies[2];
    ck_assert(block_read(&proxies[0], "127.0.0.9"));
    ck_assert(block_read(&proxies[1], "10.0.0.0/8"));
    open_stage(&(struct stage_wish){.proxies = proxies, .proxy_count = 2});

    /* In every cut, and for every request of the connection. */
    for (size_t cut = 0; cut < sizeof preface; cut++) {
        peer_connect(&peer, &stage, 9);
        peer_write(&peer, preface, cut);
        stage_settle(&stage);
        peer_write(&peer, preface + cut, sizeof preface - 1 - cut);
        peer_say(&peer, CLIENT_ "\r\n");
        is_client(&peer, "192.0.2.1");
        peer_say(&peer, CLIENT_ "X-Forwarded-For: 203.0.113.1\r\n\r\n");
        is_client(&peer, "192.0.2.1");
        peer_close(&peer, true);
    }

    peer_connect(&peer, &stage, 9);
    peer_say(&peer, CLIENT_ "\r\n");
    is_client(&peer, "127.0.0.9");
    peer_say(&peer, CLIENT_ "X-Forwarded-For: 198.51.100.1, 203.0.113.1\r\n"
                            "X-Forwarded-For: 10.1.1.1\r\n\r\n");
    is_client(&peer, "203.0.113.1");
    peer_close(&peer, true);
    close_stage();
}
END_TEST

START_TEST(nobody_else_names_the_client)
{
    static const char preface[] = PREFACE;
    struct peer peer;
    struct block proxies;
    ck_assert(block_read(&proxies, "127.0.0.9"));
    open_stage(&(struct stage_wish){.proxies = &proxies, .proxy_count = 1});
    peer_connect(&peer, &stage, 10);
    peer_say(&peer, CLIENT_ "X-Forwarded-For: 203.0.113.1\r\n\r\n");
    is_client(&peer, "127.0.0.10");
    peer_write(&peer, preface, sizeof preface - 1);
    peer_await_end(&peer);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), " 400 "));
    peer_close(&peer, true);
    /* Nor does the proxy in the middle of a connection, or in a header that is malformed. */
    peer_connect(&peer, &stage, 9);
    is_served(&peer);
    peer_write(&peer, preface, sizeof preface - 1);
    peer_await_end(&peer);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), " 400 "));
    peer_close(&peer, true);
    peer_connect(&peer, &stage, 9);
    peer_write(&peer, preface, 12);
    peer_write(&peer, "\x31\x11\0\x0c", 4);
    peer_await_end(&peer);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), " 400 "));
    peer_close(&peer, true);
    close_stage();
}
END_TEST

/* --- time --- */

START_TEST(a_head_has_its_time_however_it_trickles)
{
    struct peer slow, silent;
    open_stage(&(struct stage_wish){0});
    peer_open(&slow, &stage);
    peer_open(&silent, &stage);
    for (int second = 0; second < HEADER_SECONDS - 1; second++) {
        peer_say(&slow, second ? "a" : "G");
        stage_pass(&stage, 1);
        ck_assert(is_open(&slow) && is_open(&silent));
    }
    stage_pass(&stage, 4);
    ck_assert(!is_open(&slow) && !is_open(&silent));
    ck_assert_uint_eq(slow.length + silent.length, 0);
    ck_assert_uint_eq(http_connections(stage.http), 0);
    peer_close(&slow, false);
    peer_close(&silent, false);
    close_stage();
}
END_TEST

START_TEST(a_body_has_its_time_however_it_trickles)
{
    static const char *const starts[] = {"Content-Length: 100\r\n\r\n",
                                         "Transfer-Encoding: chunked\r\n\r\n64\r\n"};
    for (int i = 0; i < 2; i++) {
        struct peer peer;
        open_stage(&(struct stage_wish){0});
        peer_open(&peer, &stage);
        peer_say(&peer, "POST /write/1 HTTP/1.1\r\n" HOST);
        peer_say(&peer, starts[i]);
        for (int second = 0; second < BODY_SECONDS - 1; second++) {
            peer_say(&peer, "a");
            stage_pass(&stage, 1);
            ck_assert(is_open(&peer));
        }
        stage_pass(&stage, 4);
        ck_assert(!is_open(&peer));
        ck_assert_uint_eq(stage.application.writes[1], 0);
        ck_assert_uint_eq(stage.application.live, 0);
        peer_close(&peer, false);
        close_stage();
    }
}
END_TEST

START_TEST(an_idle_connection_is_kept_for_a_minute_and_not_for_ever)
{
    struct peer peer;
    open_stage(&(struct stage_wish){0});
    peer_open(&peer, &stage);
    is_served(&peer);
    stage_pass(&stage, 60);
    is_served(&peer);
    stage_pass(&stage, 60);
    is_served(&peer);
    stage_pass(&stage, 300);
    ck_assert(!is_open(&peer));
    ck_assert_uint_eq(http_connections(stage.http), 0);
    peer_close(&peer, false);
    close_stage();
}
END_TEST

START_TEST(the_application_has_all_the_time)
{
    struct peer peer;
    open_stage(&(struct stage_wish){0});
    peer_open(&peer, &stage);
    peer_say(&peer, WAIT_);
    stage_pass(&stage, 1000);
    ck_assert(is_open(&peer));
    application_let(&stage.application);
    peer_await(&peer, 1);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), "waited 1"));
    is_served(&peer);
    peer_close(&peer, false);
    close_stage();
}
END_TEST

START_TEST(who_does_not_take_its_answer_is_not_waited_for)
{
    struct peer peer;
    open_stage(&(struct stage_wish){0});
    peer_open(&peer, &stage);
    peer_say(&peer, "GET /large/1 HTTP/1.1\r\n" HOST "\r\n");
    stage_settle(&stage);
    ck_assert_uint_eq(stage.application.live, 1);
    stage_pass(&stage, 120);
    ck_assert_uint_eq(http_connections(stage.http), 0);
    ck_assert_uint_eq(stage.application.live, 0);
    peer_read(&peer);
    ck_assert_uint_lt(peer.length, LARGE);
    ck_assert_uint_gt(peer.length, 0);
    peer_close(&peer, false);
    close_stage();
}
END_TEST

START_TEST(who_takes_its_answer_gets_all_of_it)
{
    struct peer peer;
    open_stage(&(struct stage_wish){0});
    peer_connect(&peer, &stage, 0);
    peer_say(&peer, "GET /large/1 HTTP/1.1\r\n" HOST "\r\n");
    peer_await(&peer, LARGE);
    is_served(&peer);
    peer_close(&peer, true);
    close_stage();
}
END_TEST

/* --- draining --- */

START_TEST(draining_closes_behind_the_answers)
{
    struct peer waiting, half, idle, fresh;
    open_stage(&(struct stage_wish){0});
    peer_open(&waiting, &stage);
    peer_open(&half, &stage);
    peer_open(&idle, &stage);
    peer_open(&fresh, &stage);
    is_served(&waiting);
    is_served(&idle);
    peer_say(&waiting, WAIT_);
    peer_say(&half, "GET /echo/1 HTTP/1.1\r\nHos");
    stage_settle(&stage);
    http_listen(stage.http, false);
    ck_assert(!http_listens(stage.http));
    http_drain(stage.http);
    stage_settle(&stage);
    ck_assert(is_open(&waiting) && is_open(&half) && is_open(&idle) && is_open(&fresh));

    http_end_idle(stage.http);
    stage_settle(&stage);
    ck_assert(!is_open(&idle));
    ck_assert_uint_eq(idle.length, 0);
    ck_assert(is_open(&waiting) && is_open(&half));

    /* A request that was under way, one that becomes whole, and a late one have their answers. */
    application_let(&stage.application);
    peer_say(&half, "t: x\r\n\r\n");
    peer_say(&fresh, ECHO_);
    struct peer *const answered[] = {&waiting, &half, &fresh};
    for (int i = 0; i < 3; i++) {
        peer_await_end(answered[i]);
        ck_assert_msg(strstr(peer_text(answered[i]), "HTTP/1.1 200 ") == peer_text(answered[i]) &&
                          strstr(peer_text(answered[i]), "Connection: close\r\n"),
                      "heard: %s", peer_text(answered[i]));
        ck_assert(answered[i]->eof);
    }
    ck_assert_uint_eq(http_connections(stage.http), 0);
    for (int i = 0; i < 3; i++)
        peer_close(answered[i], false);
    peer_close(&idle, false);
    close_stage();
}
END_TEST

START_TEST(draining_ends_nobody_whose_request_has_come)
{
    struct peer peer;
    open_stage(&(struct stage_wish){0});
    peer_open(&peer, &stage);
    is_served(&peer);
    peer_say(&peer, ECHO_); /* nobody has looked yet */
    http_drain(stage.http);
    http_end_idle(stage.http);
    peer_await_end(&peer);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), "echo 1"));
    peer_close(&peer, false);
    close_stage();
}
END_TEST

START_TEST(listening_stops_and_goes_on)
{
    struct peer peer;
    open_stage(&(struct stage_wish){0});
    http_listen(stage.http, false);
    peer_connect(&peer, &stage, 0);
    peer_say(&peer, ECHO_);
    for (int i = 0; i < 20; i++) {
        stage_turn(&stage);
        http_tend(stage.http, stage.now);
    }
    ck_assert_uint_eq(http_connections(stage.http), 0);
    http_listen(stage.http, true);
    peer_await(&peer, 1);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), "echo 1"));
    peer_close(&peer, true);
    close_stage();
}
END_TEST

int main(void)
{
    static const TTest *tests[32];
    size_t count = 0;
    tests[count++] = the_one_that_is_idle_longest_makes_room;
    tests[count++] = who_has_a_request_under_way_makes_no_room;
    tests[count++] = who_came_a_moment_ago_makes_no_room;
    tests[count++] = a_socket_that_somebody_else_holds_wakes_nobody;
    tests[count++] = a_new_client_is_served_while_idle_ones_hold_all;
    tests[count++] = an_address_has_its_share_and_is_told_so;
    tests[count++] = who_is_refused_a_share_hears_so_without_asking;
    tests[count++] = trusted_proxies_have_no_share;
    tests[count++] = a_trusted_proxy_names_the_client;
    tests[count++] = nobody_else_names_the_client;
    tests[count++] = a_head_has_its_time_however_it_trickles;
    tests[count++] = a_body_has_its_time_however_it_trickles;
    tests[count++] = an_idle_connection_is_kept_for_a_minute_and_not_for_ever;
    tests[count++] = the_application_has_all_the_time;
    tests[count++] = who_does_not_take_its_answer_is_not_waited_for;
    tests[count++] = who_takes_its_answer_gets_all_of_it;
    tests[count++] = draining_closes_behind_the_answers;
    tests[count++] = draining_ends_nobody_whose_request_has_come;
    tests[count++] = listening_stops_and_goes_on;
    return suite_run("connections", (struct suite_fixture){0}, tests, 60);
}
