/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP POST, against a listener that answers whatever a test wants: what counts as an answer,
 * what is said of the rest, and that what is not allowed is never connected to. */
#include "db/lane.h"
#include "webhooks/destination.h"
#include "webhooks/excerpt.h"
#include "webhooks/post.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_OCTETS = 8192 };

static int listener;
static int port;
static atomic_int accepted;
static const char *script;   /* what is answered to each request; NULL: nothing, ever */
static size_t script_length; /* 0: up to its NUL */
static char request[REQUEST_OCTETS];

static void *serve(void *ignored)
{
    (void)ignored;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&accepted, 1);
        size_t have = 0;
        while (have < sizeof request - 1) {
            ssize_t got = read(fd, request + have, sizeof request - 1 - have);
            if (got <= 0)
                break;
            have += (size_t)got;
            request[have] = '\0';
            char *end = strstr(request, "\r\n\r\n");
            /* The whole request, or the greeting of TLS. */
            if ((end && strstr(end, "}")) || request[0] == 0x16)
                break;
        }
        while (!script)
            pause();
        size_t left = script_length ? script_length : strlen(script);
        const char *at = script;
        while (left > 0) {
            ssize_t sent = send(fd, at, left, MSG_NOSIGNAL);
            if (sent <= 0)
                break;
            at += sent;
            left -= (size_t)sent;
        }
        close(fd);
    }
}

static void listen_on(const char *address)
{
    struct sockaddr_in local = {.sin_family = AF_INET};
    socklen_t size = sizeof local;
    pthread_t thread;
    inet_pton(AF_INET, address, &local.sin_addr);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&local, sizeof local), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    getsockname(listener, (struct sockaddr *)&local, &size);
    port = ntohs(local.sin_port);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The answer, copied. */
static struct {
    int status, latency_ms;
    char error[200], body[EXCERPT_OCTETS + 1], retry_after[200];
    size_t body_length;
    bool done;
} got;

static void on_done(struct post *post, const struct post_answer *answer)
{
    (void)post;
    got.done = true;
    got.status = answer->status;
    got.latency_ms = answer->latency_ms;
    got.body_length = answer->body_length;
    snprintf(got.error, sizeof got.error, "%s", answer->error ? answer->error : "");
    snprintf(got.retry_after, sizeof got.retry_after, "%s",
             answer->retry_after ? answer->retry_after : "");
    memcpy(got.body, answer->body, answer->body_length);
}

static void post_to(const char *url)
{
    static const char *const headers[] = {"content-type: application/json", "webhook-id: one",
                                          NULL};
    struct posts_settings settings = {.connect_ms = 1500, .whole_ms = 4000, .connections = 4};
    struct post post = {
        .url = url, .body = "{\"a\":1}", .body_length = 7, .headers = headers, .done = on_done};
    int epoll_fd = epoll_create1(0), wait = 0;
    struct posts *posts = posts_open(&settings, epoll_fd);
    memset(&got, 0, sizeof got);
    post_begin(posts, &post);
    for (int64_t end = now_ms() + 10000; !got.done && now_ms() < end;) {
        struct epoll_event events[8];
        int count = epoll_wait(epoll_fd, events, 8, wait < 0 || wait > 100 ? 100 : wait);
        for (int i = 0; i < count; i++) {
            struct watch *watch = events[i].data.ptr;
            watch->ready(watch, events[i].events);
        }
        wait = posts_turn(posts, now_ms());
    }
    ck_assert(got.done);
    posts_close(posts);
    close(epoll_fd);
}

static const char *local_url(const char *scheme, const char *host)
{
    static char url[200];
    snprintf(url, sizeof url, "%s://%s:%d/in?x=1", scheme, host, port);
    return url;
}

/* A post to a listener that may be connected to, and that answers so. */
static void answered(const char *answer)
{
    script = answer;
    listen_on("127.0.0.1");
    destination_allow("127.0.0.1");
    post_to(local_url("http", "127.0.0.1"));
}

START_TEST(a_post_is_what_was_asked_for_and_no_more)
{
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
    answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nok");
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 200);
    ck_assert_str_eq(got.body, "ok");
    ck_assert_str_eq(got.retry_after, "7");
    ck_assert_ptr_eq(strstr(request, "POST /in?x=1 HTTP/1.1\r\n"), request);
    ck_assert_ptr_nonnull(strstr(request, "\r\nUser-Agent: onramp/" ONRAMP_VERSION "\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nwebhook-id: one\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\ncontent-type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nContent-Length: 7\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\n\r\n{\"a\":1}"));
    ck_assert_ptr_null(strstr(request, "Expect"));
    ck_assert_ptr_null(strstr(request, "Accept-Encoding"));
    ck_assert_ptr_null(strstr(request, "Cookie"));
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_is_not_followed)
{
    answered("HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
    ck_assert_int_eq(got.status, 307);
    ck_assert_int_eq(atomic_load(&accepted), 1);
}
END_TEST

static const struct {
    const char *answer, *error;
} faulty[] = {
    {"", "connection closed without an answer"},
    {"SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "connection closed within the answer"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsho",
     "connection closed within the answer"},
};

START_TEST(what_is_no_whole_answer_is_said_in_words)
{
    answered(faulty[_i].answer);
    ck_assert_str_eq(got.error, faulty[_i].error);
    ck_assert_int_eq(got.status, 0);
}
END_TEST

START_TEST(silence_is_not_waited_for_longer_than_the_time_out)
{
    answered(NULL);
    ck_assert_str_eq(got.error, "no answer within 4 s");
    ck_assert_int_ge(got.latency_ms, 4000);
    ck_assert_int_le(got.latency_ms, 9000);
}
END_TEST

/* 1 MiB behind a head. */
static void flood(const char *head)
{
    size_t size = 1024 * 1024;
    char *text = malloc(size);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size);
    memcpy(text, head, strlen(head));
    script_length = size;
    answered(text);
    free(text);
}

START_TEST(a_long_body_is_cut_and_its_status_counts)
{
    flood("HTTP/1.1 200 OK\r\n\r\n");
    ck_assert_str_eq(got.error, "");
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(got.body_length, EXCERPT_OCTETS);
}
END_TEST

START_TEST(a_head_without_end_is_no_answer)
{
    size_t size = 200 * 1024, used;
    char *text = malloc(size);
    ck_assert_ptr_nonnull(text);
    used = (size_t)snprintf(text, size, "HTTP/1.1 200 OK\r\n");
    while (used < size - 100)
        used += (size_t)snprintf(text + used, size - used, "X-Filler: %060d\r\n", 0);
    snprintf(text + used, size - used, "\r\n");
    answered(text);
    free(text);
    ck_assert_str_eq(got.error, "the answer's head is longer than 64 KiB");
    ck_assert_int_eq(got.status, 0);
}
END_TEST

START_TEST(nobody_listens)
{
    destination_allow("127.0.0.1");
    post_to("http://127.0.0.1:1/");
    ck_assert_str_eq(got.error, "connection refused");
}
END_TEST

static const struct {
    const char *scheme, *host, *error;
} forbidden[] = {
    {"http", "127.0.0.1", "address not allowed: 127.0.0.1 is loopback"},
    {"https", "127.0.0.1", "address not allowed: 127.0.0.1 is loopback"},
    {"https", "localhost", "address not allowed: "},
    {"https", "127.1", "address not allowed: 127.0.0.1 is loopback"},
    {"https", "0x7f000001", "address not allowed: 127.0.0.1 is loopback"},
    {"https", "017700000001", "address not allowed: 127.0.0.1 is loopback"},
    {"https", "2130706433", "address not allowed: 127.0.0.1 is loopback"},
    {"https", "0", "address not allowed: 0.0.0.0 is of this network"},
    {"https", "[::ffff:127.0.0.1]", "address not allowed: ::ffff:127.0.0.1 is loopback"},
    {"https", "[::127.0.0.1]", "address not allowed: ::127.0.0.1 is IPv4-compatible"},
    {"https", "[::1]", "address not allowed: ::1 is loopback"},
    {"https", "[64:ff9b::7f00:1]", "address not allowed: 64:ff9b::7f00:1 is behind NAT64"},
    {"https", "[2002:7f00:1::]", "address not allowed: 2002:7f00:1:: is behind 6to4"},
};

START_TEST(what_is_not_allowed_is_not_connected_to)
{
    script = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    listen_on("0.0.0.0");
    post_to(local_url(forbidden[_i].scheme, forbidden[_i].host));
    ck_assert_msg(strncmp(got.error, forbidden[_i].error, strlen(forbidden[_i].error)) == 0, "%s",
                  got.error);
    ck_assert_int_eq(got.status, 0);
    ck_assert_int_eq(atomic_load(&accepted), 0);
}
END_TEST

START_TEST(plain_text_is_no_tls)
{
    script = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    listen_on("127.0.0.1");
    destination_allow("127.0.0.1");
    post_to(local_url("https", "127.0.0.1"));
    ck_assert_int_eq(got.status, 0);
    ck_assert_str_eq(got.error, "TLS handshake failed");
}
END_TEST

static const struct {
    const char *octets, *text;
} excerpts[] = {
    {"", ""},
    {"plain\n", "plain\n"},
    {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
    {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
    {"a\xFF"
     "b",
     "a\xEF\xBF\xBD"
     "b"},
    {"\xC3", "\xEF\xBF\xBD"},
    {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* overlong */
    {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* a surrogate */
    {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* above U+10FFFF */
};

START_TEST(an_excerpt_is_valid_utf8)
{
    char out[EXCERPT_OCTETS + 1];
    excerpt_write(out, excerpts[_i].octets, strlen(excerpts[_i].octets));
    ck_assert_str_eq(out, excerpts[_i].text);
}
END_TEST

START_TEST(an_excerpt_holds_no_nul_and_no_half_character)
{
    char octets[EXCERPT_OCTETS + 4], out[EXCERPT_OCTETS + 1];
    excerpt_write(out, "a\0b", 3);
    ck_assert_str_eq(out, "a\xEF\xBF\xBD"
                          "b");
    memset(octets, 'x', sizeof octets);
    memcpy(octets + EXCERPT_OCTETS - 1, "\xC3\xBC", 2);
    excerpt_write(out, octets, sizeof octets);
    ck_assert_uint_eq(strlen(out), EXCERPT_OCTETS - 1);
    memset(octets, '\xFF', sizeof octets);
    excerpt_write(out, octets, sizeof octets);
    ck_assert_uint_eq(strlen(out), EXCERPT_OCTETS / 3 * 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("post");
    TCase *tests = tcase_create("post");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_post_is_what_was_asked_for_and_no_more);
    tcase_add_test(tests, a_redirect_is_an_answer_and_is_not_followed);
    tcase_add_loop_test(tests, what_is_no_whole_answer_is_said_in_words, 0,
                        sizeof faulty / sizeof *faulty);
    tcase_add_test(tests, silence_is_not_waited_for_longer_than_the_time_out);
    tcase_add_test(tests, a_long_body_is_cut_and_its_status_counts);
    tcase_add_test(tests, a_head_without_end_is_no_answer);
    tcase_add_test(tests, nobody_listens);
    tcase_add_loop_test(tests, what_is_not_allowed_is_not_connected_to, 0,
                        sizeof forbidden / sizeof *forbidden);
    tcase_add_test(tests, plain_text_is_no_tls);
    tcase_add_loop_test(tests, an_excerpt_is_valid_utf8, 0, sizeof excerpts / sizeof *excerpts);
    tcase_add_test(tests, an_excerpt_holds_no_nul_and_no_half_character);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
