/* SPDX-License-Identifier: Apache-2.0 */
/* One client and its requests: what is refused, what is told, and how it ends. */
#include "answers.h"
#include "peer.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST   "Host: x\r\n"
#define ECHO_  "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n"
#define WRITE_ "POST /write/1 HTTP/1.1\r\n" HOST

static struct stage stage;
static struct peer peer;

static void open_both(void)
{
    stage_open(&stage, &(struct stage_wish){.seed = 1});
    peer_open(&peer, &stage);
}

static void close_both(void)
{
    peer_close(&peer, false);
    stage_empty(&stage);
    stage_check_empty(&stage);
    stage_close(&stage);
}

static unsigned count(const char *text, const char *of)
{
    unsigned found = 0;
    for (; (text = strstr(text, of)); text += strlen(of))
        found++;
    return found;
}

/* What it hears has that status and ends with that text; with more of it, that often. */
static void hears(const char *status, const char *end, unsigned times)
{
    peer_hear(&peer);
    const char *text = peer_text(&peer);
    size_t length = strlen(text), wanted = strlen(end);
    ck_assert_msg(count(text, status) == times && length >= wanted &&
                      strcmp(text + length - wanted, end) == 0,
                  "heard: %s", text);
    ck_assert_uint_eq(count(text, "HTTP/1."), times);
    peer_forget(&peer);
}

static void hears_nothing(void)
{
    peer_hear(&peer);
    ck_assert_msg(peer.length == 0, "heard: %s", peer_text(&peer));
}

static void is_refused(const char *status, const char *code)
{
    hears(status, code, 1);
    ck_assert_msg(peer.eof, "the connection stays open");
    ck_assert_uint_eq(stage.application.writes[1], 0);
}

START_TEST(an_empty_line_before_a_request_is_skipped)
{
    open_both();
    peer_say(&peer, "\r\n" ECHO_);
    hears(" 200 ", "echo 1", 1);
    peer_say(&peer, WRITE_ "Content-Length: 2\r\n\r\nab\r\n" ECHO_);
    hears(" 200 ", "echo 1", 2);
    close_both();
}
END_TEST

START_TEST(a_bare_line_feed_between_requests_is_refused)
{
    open_both();
    peer_say(&peer, ECHO_);
    hears(" 200 ", "echo 1", 1);
    peer_say(&peer, "\n" ECHO_);
    is_refused(" 400 ", "malformed_request");
    close_both();
}
END_TEST

START_TEST(a_refused_head_has_no_body)
{
    open_both();
    peer_say(&peer, "HEAD /echo/1 HTTP/1.1\r\nHost : x\r\n\r\n");
    is_refused(" 400 ", "Content-Length: 17\r\n\r\n");
    close_both();
}
END_TEST

START_TEST(what_follows_a_refused_request_is_not_done)
{
    open_both();
    peer_say(&peer, "GET /echo/1 HTTP/1.1\r\n" HOST HOST "\r\n" WRITE_ "\r\n");
    is_refused(" 400 ", "malformed_request");
    peer_say(&peer, WRITE_ "\r\n");
    hears_nothing();
    ck_assert_uint_eq(stage.application.writes[1], 0);
    close_both();
}
END_TEST

/* RFC 9112 section 9.6: the answer would be lost in a reset. */
START_TEST(who_is_refused_may_go_on_sending_and_hears_why)
{
    static char more[1000];
    stage_open(&stage, &(struct stage_wish){.seed = 1});
    peer_connect(&peer, &stage, 0);
    peer_say(&peer, "POST /write/1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\ng");
    peer_await_end(&peer);
    stage_settle(&stage);
    ck_assert_uint_eq(http_connections(stage.http), 0);
    for (int i = 0; i < 100; i++) {
        peer_write(&peer, more, sizeof more);
        stage_turn(&stage);
    }
    ck_assert_msg(!peer.unheard, "what it goes on to send meets a closed socket");
    ck_assert(peer.eof && !peer.broken);
    is_refused(" 400 ", "malformed_request");
    close_both();
}
END_TEST

START_TEST(nul_in_a_field_is_refused)
{
    static const char text[] = WRITE_ "A: b\0c\r\n\r\n";
    open_both();
    peer_write(&peer, text, sizeof text - 1);
    is_refused(" 400 ", "malformed_request");
    close_both();
}
END_TEST

START_TEST(a_body_that_is_half_closed_is_answered_at_once)
{
    static const char *const starts[] = {
        "Content-Length: 10\r\n\r\n", "Content-Length: 10\r\n\r\n12345",
        "Transfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\n123",
        "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (int apart = 0; apart < 2; apart++) {
            open_both();
            peer_say(&peer, WRITE_);
            peer_say(&peer, starts[i]);
            if (apart)
                hears_nothing();
            peer_end(&peer);
            is_refused(" 400 ", "malformed_request");
            close_both();
        }
    }
}
END_TEST

START_TEST(half_a_head_that_is_half_closed_has_no_answer)
{
    open_both();
    peer_say(&peer, ECHO_ "GET /echo/2 HTTP/1.1\r\nHos");
    hears(" 200 ", "echo 1", 1);
    peer_end(&peer);
    hears_nothing();
    ck_assert(peer.eof);
    close_both();
}
END_TEST

START_TEST(a_half_close_after_a_whole_request_still_gets_its_answer)
{
    static const char *const requests[] = {ECHO_, WRITE_ "Content-Length: 2\r\n\r\nab",
                                           "GET /wait/1 HTTP/1.1\r\n" HOST "\r\n",
                                           "GET /stream/1 HTTP/1.1\r\n" HOST "\r\n"};
    static const char *const ends[] = {"echo 1", "", "waited 1", "0\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        for (int apart = 0; apart < 2; apart++) {
            open_both();
            peer_say(&peer, requests[i]);
            if (apart)
                stage_turn(&stage);
            peer_end(&peer);
            hears(" 200 ", ends[i], 1);
            ck_assert(peer.eof);
            close_both();
        }
    }
}
END_TEST

START_TEST(requests_before_a_half_close_are_all_answered)
{
    open_both();
    for (int i = 0; i < 5; i++)
        peer_say(&peer, WRITE_ "Content-Length: 2\r\n\r\nab");
    peer_say(&peer, ECHO_);
    peer_end(&peer);
    hears(" 200 ", "echo 1", 6);
    ck_assert(peer.eof);
    ck_assert_uint_eq(stage.application.writes[1], 5);
    close_both();
}
END_TEST

START_TEST(who_has_gone_is_told_of_once)
{
    open_both();
    stage.application.waiting_turns = 0;
    peer_say(&peer, "GET /wait/1 HTTP/1.1\r\n" HOST "\r\n");
    hears_nothing();
    ck_assert_uint_eq(stage.application.gone, 0);
    peer_end(&peer);
    stage_settle(&stage);
    ck_assert_uint_eq(stage.application.gone, 1);
    ck_assert_uint_eq(stage.application.ended, 1);
    application_let(&stage.application);
    hears(" 200 ", "waited 1", 1);
    ck_assert(peer.eof);
    ck_assert_uint_eq(stage.application.gone, 1);
    close_both();
}
END_TEST

START_TEST(who_expects_is_told_to_go_on)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    open_both();
    peer_say(&peer, WRITE_ "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    peer_hear(&peer);
    ck_assert_str_eq(peer_text(&peer), go_on);
    peer_forget(&peer);
    peer_say(&peer, "ab");
    hears(" 200 ", "", 1);
    peer_say(&peer, WRITE_ "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer_hear(&peer);
    ck_assert_str_eq(peer_text(&peer), go_on);
    peer_forget(&peer);
    peer_say(&peer, "0\r\n\r\n");
    hears(" 200 ", "", 1);
    ck_assert_uint_eq(stage.application.writes[1], 2);
    close_both();
}
END_TEST

START_TEST(who_does_not_wait_is_not_told_to_go_on)
{
    open_both();
    peer_say(&peer, WRITE_ "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
    hears(" 200 ", "", 1);
    peer_say(&peer, WRITE_ "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    hears(" 200 ", "", 1);
    peer_say(&peer, WRITE_ "Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n");
    peer_hear(&peer);
    ck_assert_ptr_nonnull(strstr(peer_text(&peer), "HTTP/1.1 413 "));
    ck_assert_ptr_null(strstr(peer_text(&peer), " 100 "));
    close_both();
    open_both();
    peer_say(&peer, "POST /write/1 HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    hears_nothing();
    peer_say(&peer, "ab");
    hears(" 200 ", "", 1);
    close_both();
}
END_TEST

/* The cap counts what is decoded. */
START_TEST(a_body_in_chunks_may_be_as_large_as_any)
{
    enum { CHUNK = 16, CHUNKS = 65536 / CHUNK };
    for (int more = 0; more < 2; more++) {
        open_both();
        peer_say(&peer, WRITE_ "Transfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < CHUNKS; i++)
            peer_say(&peer, "10\r\n0123456789abcdef\r\n");
        peer_say(&peer, more ? "1\r\nx\r\n0\r\n\r\n" : "0\r\n\r\n");
        if (more) {
            is_refused(" 413 ", "content_too_large");
        } else {
            hears(" 200 ", "", 1);
            ck_assert_uint_eq(stage.application.writes[1], 1);
        }
        close_both();
    }
}
END_TEST

START_TEST(extensions_of_chunks_are_not_without_end)
{
    open_both();
    peer_say(&peer, WRITE_ "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4096; i++)
        peer_say(&peer, "1;a=b;c=d\r\nx\r\n");
    is_refused(" 413 ", "content_too_large");
    close_both();
}
END_TEST

START_TEST(a_body_of_the_greatest_length_is_taken)
{
    static char body[65536 + 1];
    open_both();
    memset(body, 'a', sizeof body - 1);
    peer_say(&peer, WRITE_ "Content-Length: 65536\r\n\r\n");
    peer_say(&peer, body);
    hears(" 200 ", "", 1);
    ck_assert_uint_eq(stage.application.writes[1], 1);
    peer_say(&peer, "POST /write/2 HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    peer_hear(&peer);
    ck_assert(strstr(peer_text(&peer), " 413 ") && peer.eof);
    ck_assert_uint_eq(stage.application.writes[2], 0);
    close_both();
}
END_TEST

START_TEST(many_requests_that_come_together_are_answered_in_their_order)
{
    enum { REQUESTS = 2000 };
    char *text = malloc(REQUESTS * 64), *at = text;
    ck_assert_ptr_nonnull(text);
    open_both();
    for (int i = 0; i < REQUESTS; i++)
        at += sprintf(at, "GET /%s/%d HTTP/1.1\r\n" HOST "\r\n", i % 7 ? "echo" : "write", i % 200);
    peer_say(&peer, text);
    size_t before;
    do { /* the socket takes some of the answers at a time */
        before = peer.length;
        peer_hear(&peer);
    } while (peer.length > before);
    const char *heard = peer_text(&peer);
    ck_assert_uint_eq(count(heard, "HTTP/1.1 200 OK\r\n"), REQUESTS);
    for (int i = 0; i < REQUESTS; i++) {
        char body[32];
        snprintf(body, sizeof body, "\r\n\r\n%s %d", i % 7 ? "echo" : "wrote", i % 200);
        heard = strstr(heard, "\r\n\r\n");
        ck_assert(heard && strncmp(heard, body, strlen(body)) == 0);
        heard += 4;
    }
    free(text);
    close_both();
}
END_TEST

START_TEST(an_answer_may_be_made_before_the_body_is_in)
{
    open_both();
    peer_say(&peer, WRITE_ "Authorization: bad\r\nContent-Length: 4\r\n\r\nab");
    hears_nothing();
    peer_say(&peer, "cd" ECHO_);
    peer_hear(&peer);
    ck_assert(strstr(peer_text(&peer), " 401 ") < strstr(peer_text(&peer), " 200 "));
    ck_assert_uint_eq(stage.application.writes[1], 0);
    close_both();
}
END_TEST

START_TEST(fields_of_one_name_are_joined)
{
    open_both();
    peer_say(&peer, "GET /echo/1 HTTP/1.1\r\n" HOST "X-Say: a\t\r\nx-say:b \r\nX-SAY:\r\n\r\n");
    hears(" 200 ", "echo 1 a, b, ", 1);
    close_both();
}
END_TEST

/* Of the one that was begun before it is closed, nothing is left either. */
START_TEST(an_engine_may_be_closed_with_clients_on_it)
{
    struct peer more[4];
    open_both();
    for (int i = 0; i < 4; i++)
        peer_open(&more[i], &stage);
    peer_say(&more[0], ECHO_);
    peer_say(&more[1], "GET /ec");
    peer_say(&more[2], WRITE_ "Content-Length: 5\r\n\r\nab");
    peer_say(&more[3], "GET /large/1 HTTP/1.1\r\n" HOST "\r\n");
    stage_settle(&stage);
    stage_close(&stage);
    for (int i = 0; i < 4; i++)
        peer_close(&more[i], false);
    peer_close(&peer, false);
}
END_TEST

int main(void)
{
    static const TTest *tests[32];
    size_t count_of = 0;
    tests[count_of++] = an_empty_line_before_a_request_is_skipped;
    tests[count_of++] = a_bare_line_feed_between_requests_is_refused;
    tests[count_of++] = a_refused_head_has_no_body;
    tests[count_of++] = what_follows_a_refused_request_is_not_done;
    tests[count_of++] = who_is_refused_may_go_on_sending_and_hears_why;
    tests[count_of++] = nul_in_a_field_is_refused;
    tests[count_of++] = a_body_that_is_half_closed_is_answered_at_once;
    tests[count_of++] = half_a_head_that_is_half_closed_has_no_answer;
    tests[count_of++] = a_half_close_after_a_whole_request_still_gets_its_answer;
    tests[count_of++] = requests_before_a_half_close_are_all_answered;
    tests[count_of++] = who_has_gone_is_told_of_once;
    tests[count_of++] = who_expects_is_told_to_go_on;
    tests[count_of++] = who_does_not_wait_is_not_told_to_go_on;
    tests[count_of++] = a_body_in_chunks_may_be_as_large_as_any;
    tests[count_of++] = extensions_of_chunks_are_not_without_end;
    tests[count_of++] = a_body_of_the_greatest_length_is_taken;
    tests[count_of++] = many_requests_that_come_together_are_answered_in_their_order;
    tests[count_of++] = an_answer_may_be_made_before_the_body_is_in;
    tests[count_of++] = fields_of_one_name_are_joined;
    tests[count_of++] = an_engine_may_be_closed_with_clients_on_it;
    return suite_run("requests", (struct suite_fixture){0}, tests, 60);
}
