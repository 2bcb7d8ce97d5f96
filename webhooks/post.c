/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/post.h"

#include "db/lane.h"
#include "webhooks/destination.h"
#include "webhooks/excerpt.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    ANSWER_OCTETS_MAX = 64 * 1024, /* of the head, and again of the body */
    NAMES_SECONDS = 20,            /* that an address is remembered for a name */
    BUFFER_OCTETS = 4096
};

/* A socket of libcurl in the epoll. Taken out of use it may still stand in this turn's events, so
 * that it is used again only in the next one. */
struct hook {
    struct watch watch; /* first: the epoll knows the hook by it */
    struct posts *posts;
    int fd; /* -1: taken out of use */
    struct hook *next;
};

/* One post that is under way, or a spare. */
struct transfer {
    CURL *easy;
    struct posts *posts;
    struct post *post;
    struct curl_slist *headers;
    bool plain;
    int opened;          /* sockets made */
    const char *refusal; /* of the last address that was refused, or NULL */
    char refused[INET6_ADDRSTRLEN];
    size_t head_octets, body_octets, kept;
    bool cut; /* the body was long enough */
    char body[EXCERPT_OCTETS];
    char error[160];
    struct transfer *next, *previous;
};

struct posts {
    struct posts_settings settings;
    int epoll_fd;
    CURLM *multi; /* NULL before the first post */
    int64_t due;  /* when libcurl wants to run, by the turn's clock; -1: not */
    int64_t wait; /* what it asked for since the last turn; -1: nothing, -2: not at all */
    struct hook *spare_hooks, *retired_hooks;
    struct transfer *under_way, *spare;
};

enum { WAIT_UNCHANGED = -2 };

/* --- sockets --- */

static void hook_ready(struct watch *watch, uint32_t events)
{
    struct hook *hook = (struct hook *)watch;
    int what = 0, running;
    if (hook->fd < 0)
        return;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        what |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (events & EPOLLERR)
        what |= CURL_CSELECT_ERR;
    curl_multi_socket_action(hook->posts->multi, hook->fd, what, &running);
}

static struct hook *hook_new(struct posts *posts, int fd)
{
    struct hook *hook = posts->spare_hooks;
    if (hook)
        posts->spare_hooks = hook->next;
    else
        hook = calloc(1, sizeof *hook);
    if (!hook)
        abort();
    *hook = (struct hook){.watch.ready = hook_ready, .posts = posts, .fd = fd};
    return hook;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *kept)
{
    struct posts *posts = context;
    struct hook *hook = kept;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (!hook)
            return 0;
        epoll_ctl(posts->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(posts->multi, fd, NULL);
        hook->fd = -1;
        hook->next = posts->retired_hooks;
        posts->retired_hooks = hook;
        return 0;
    }
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) |
                                          (what & CURL_POLL_OUT ? EPOLLOUT : 0U)};
    int operation = hook ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!hook) {
        hook = hook_new(posts, fd);
        curl_multi_assign(posts->multi, fd, hook);
    }
    event.data.ptr = hook;
    return epoll_ctl(posts->epoll_fd, operation, fd, &event) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *context)
{
    struct posts *posts = context;
    (void)multi;
    posts->wait = milliseconds;
    return 0;
}

/* The one place where a connection is made, with the address that is connected to. */
static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    (void)purpose;
    const char *refusal = destination_refusal(&address->addr, transfer->plain);
    if (refusal) {
        transfer->refusal = refusal;
        if (getnameinfo(&address->addr, address->addrlen, transfer->refused,
                        sizeof transfer->refused, NULL, 0, NI_NUMERICHOST) != 0)
            snprintf(transfer->refused, sizeof transfer->refused, "it");
        return CURL_SOCKET_BAD;
    }
    transfer->opened++;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- the answer --- */

static size_t on_head(char *octets, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)octets;
    transfer->head_octets += size * count;
    return transfer->head_octets > ANSWER_OCTETS_MAX ? 0 : size * count;
}

static size_t on_body(char *octets, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count, room = sizeof transfer->body - transfer->kept;
    memcpy(transfer->body + transfer->kept, octets, length < room ? length : room);
    transfer->kept += length < room ? length : room;
    transfer->body_octets += length;
    transfer->cut = transfer->body_octets > ANSWER_OCTETS_MAX;
    return transfer->cut ? 0 : length;
}

static void say_seconds(char *out, size_t size, const char *what, int64_t milliseconds)
{
    if (milliseconds % 1000 == 0)
        snprintf(out, size, "%s within %lld s", what, (long long)(milliseconds / 1000));
    else
        snprintf(out, size, "%s within %lld ms", what, (long long)milliseconds);
}

static const char *unconnected(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "connection refused";
    case ENETUNREACH:
        return "network unreachable";
    case EHOSTUNREACH:
        return "host unreachable";
    case ETIMEDOUT:
        return "no connection";
    default:
        return "connection failed";
    }
}

static const char *in_words(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the name has no address";
    case CURLE_SSL_CONNECT_ERROR:
        return "TLS handshake failed";
    case CURLE_SSL_CACERT_BADFILE:
        return "our file of trusted certificates cannot be read";
    case CURLE_GOT_NOTHING:
        return "connection closed without an answer";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return "connection lost";
    case CURLE_PARTIAL_FILE:
        return "connection closed within the answer";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
        return "the answer is not HTTP";
    case CURLE_WRITE_ERROR:
        return "the answer's head is longer than 64 KiB";
    case CURLE_OUT_OF_MEMORY:
        return "out of memory";
    default:
        return curl_easy_strerror(code);
    }
}

/* Why there is no answer, into transfer->error. */
static void explain(struct transfer *transfer, CURLcode code)
{
    char *out = transfer->error;
    size_t size = sizeof transfer->error;
    const struct posts_settings *settings = &transfer->posts->settings;
    long value = 0;
    curl_off_t connected = 0;
    if (transfer->refusal && transfer->opened == 0) {
        snprintf(out, size, "address not allowed: %s is %s", transfer->refused, transfer->refusal);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
        if (connected > 0)
            say_seconds(out, size, "no answer", settings->whole_ms);
        else
            say_seconds(out, size, "no connection", settings->connect_ms);
    } else if (code == CURLE_COULDNT_CONNECT) {
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &value);
        snprintf(out, size, "%s", unconnected((int)value));
    } else if (code == CURLE_PEER_FAILED_VERIFICATION) {
        /* libcurl leaves it at 1 when the chain is good and the name is not. */
        curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &value);
        snprintf(out, size, "TLS certificate %s",
                 value > 1 ? "not trusted" : "is for another name");
    } else {
        snprintf(out, size, "%s", in_words(code));
    }
}

/* --- transfers --- */

static void unlink_transfer(struct transfer *transfer)
{
    struct posts *posts = transfer->posts;
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else
        posts->under_way = transfer->next;
    if (transfer->next)
        transfer->next->previous = transfer->previous;
}

static void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    free(transfer);
}

/* The post has its answer; the transfer becomes a spare. error: when it was broken off. */
static void finish(struct transfer *transfer, CURLcode code, const char *error)
{
    struct posts *posts = transfer->posts;
    struct post *post = transfer->post;
    struct post_answer answer = {.body = transfer->body, .body_length = transfer->kept};
    struct curl_header *header;
    curl_off_t microseconds = 0;
    long status = 0;
    if (code == CURLE_WRITE_ERROR && transfer->cut)
        code = CURLE_OK;
    curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &microseconds);
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.latency_ms = (int)((microseconds + 500) / 1000);
    if (error) {
        answer.error = error;
    } else if (code != CURLE_OK) {
        explain(transfer, code);
        answer.error = transfer->error;
    } else {
        answer.status = (int)status;
        if (curl_easy_header(transfer->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) ==
            CURLHE_OK)
            answer.retry_after = header->value;
    }
    post->transfer = NULL;
    post->done(post, &answer);
    curl_multi_remove_handle(posts->multi, transfer->easy);
    curl_slist_free_all(transfer->headers);
    unlink_transfer(transfer);
    *transfer = (struct transfer){.easy = transfer->easy, .posts = posts, .next = posts->spare};
    posts->spare = transfer;
}

/* What every post has in common. */
static void transfer_prepare(struct transfer *transfer)
{
    const struct posts_settings *settings = &transfer->posts->settings;
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_OCTETS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "onramp/" ONRAMP_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A name that the resolver thinks about must not hold up the thread when its time is over. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_SECONDS);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)settings->whole_ms);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* The certificates are kept parsed between connections only where they come from one file. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (settings->ca)
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca);
}

static struct transfer *transfer_new(struct posts *posts)
{
    struct transfer *transfer = posts->spare;
    if (transfer) {
        posts->spare = transfer->next;
        transfer->next = NULL;
        return transfer;
    }
    transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        abort();
    transfer->posts = posts;
    transfer->easy = curl_easy_init();
    if (!transfer->easy)
        abort();
    transfer_prepare(transfer);
    return transfer;
}

static void header_add(struct transfer *transfer, const char *line)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, line);
    if (!list)
        abort();
    transfer->headers = list;
}

/* libcurl and with it TLS: megabytes that a server without webhooks does not need. */
static void multi_open(struct posts *posts)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    posts->multi = curl_multi_init();
    if (!posts->multi)
        abort();
    curl_multi_setopt(posts->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(posts->multi, CURLMOPT_SOCKETDATA, posts);
    curl_multi_setopt(posts->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(posts->multi, CURLMOPT_TIMERDATA, posts);
    curl_multi_setopt(posts->multi, CURLMOPT_MAXCONNECTS, (long)posts->settings.connections);
}

void post_begin(struct posts *posts, struct post *post)
{
    if (!posts->multi)
        multi_open(posts);
    struct transfer *transfer = transfer_new(posts);
    transfer->post = post;
    transfer->plain = strncasecmp(post->url, "http://", 7) == 0;
    post->transfer = transfer;
    for (const char *const *line = post->headers; *line; line++)
        header_add(transfer, *line);
    header_add(transfer, "Expect:");
    curl_easy_setopt(transfer->easy, CURLOPT_URL, post->url);
    curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS_STR, transfer->plain ? "http" : "https");
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_length);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    transfer->next = posts->under_way;
    if (posts->under_way)
        posts->under_way->previous = transfer;
    posts->under_way = transfer;
    if (curl_multi_add_handle(posts->multi, transfer->easy) != CURLM_OK)
        abort();
}

/* --- the set --- */

struct posts *posts_open(const struct posts_settings *settings, int epoll_fd)
{
    struct posts *posts = calloc(1, sizeof *posts);
    if (!posts)
        abort();
    *posts = (struct posts){
        .settings = *settings, .epoll_fd = epoll_fd, .due = -1, .wait = WAIT_UNCHANGED};
    return posts;
}

static void hooks_renew(struct posts *posts)
{
    while (posts->retired_hooks) {
        struct hook *hook = posts->retired_hooks;
        posts->retired_hooks = hook->next;
        hook->next = posts->spare_hooks;
        posts->spare_hooks = hook;
    }
}

static void timer_look(struct posts *posts, int64_t now)
{
    if (posts->wait == WAIT_UNCHANGED)
        return;
    posts->due = posts->wait < 0 ? -1 : now + posts->wait;
    posts->wait = WAIT_UNCHANGED;
}

static void finish_done(struct posts *posts)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(posts->multi, &left)) != NULL) {
        struct transfer *transfer;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, code, NULL);
    }
}

int posts_turn(struct posts *posts, int64_t now)
{
    int running;
    if (!posts->multi)
        return -1;
    hooks_renew(posts);
    timer_look(posts, now);
    if (posts->due >= 0 && posts->due <= now) {
        posts->due = -1;
        curl_multi_socket_action(posts->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    finish_done(posts);
    timer_look(posts, now);
    return posts->due < 0 ? -1 : posts->due <= now ? 0 : (int)(posts->due - now);
}

static void hooks_free(struct hook *hook)
{
    while (hook) {
        struct hook *next = hook->next;
        free(hook);
        hook = next;
    }
}

void posts_close(struct posts *posts)
{
    while (posts->under_way)
        finish(posts->under_way, CURLE_OK, "the server was stopped");
    while (posts->spare) {
        struct transfer *transfer = posts->spare;
        posts->spare = transfer->next;
        transfer_free(transfer);
    }
    if (posts->multi) {
        curl_multi_cleanup(posts->multi);
        curl_global_cleanup();
    }
    hooks_free(posts->spare_hooks);
    hooks_free(posts->retired_hooks);
    free(posts);
}
