/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"
#include "demand.h"

#include "application.h"
#include "chance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void script_begin(struct script *script)
{
    *script = (struct script){0};
}

void script_free(struct script *script)
{
    free(script->octets);
    script->octets = NULL;
}

/* --- what it says --- */

static char *room(struct script *script, size_t size)
{
    if (script->length + size > script->capacity) {
        script->capacity = 2 * script->capacity + size + 256;
        script->octets = realloc(script->octets, script->capacity);
        must(script->octets);
    }
    return script->octets + script->length;
}

void script_say(struct script *script, const char *octets, size_t length)
{
    memcpy(room(script, length), octets, length);
    script->length += length;
}

static void say(struct script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct script *script, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    must(length >= 0 && (size_t)length < sizeof text);
    script_say(script, text, (size_t)length);
}

static void repeat(struct script *script, char octet, size_t count)
{
    memset(room(script, count), octet, count);
    script->length += count;
}

/* --- what it has to hear --- */

static void hear(struct script *script, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void hear(struct script *script, int status, const char *format, ...)
{
    va_list arguments;
    if (script->closes)
        return;
    must(script->answer_count < ANSWERS_MAX);
    struct expected *expected = &script->answers[script->answer_count++];
    *expected = (struct expected){.status = status};
    va_start(arguments, format);
    vsnprintf(expected->body, sizeof expected->body, format, arguments);
    va_end(arguments);
}

static void hear_refusal(struct script *script, const char *code)
{
    hear(script, application_status(code), "%s", code);
    script->closes = true;
}

static void hear_write(struct script *script, unsigned id, const char *body, size_t length)
{
    if (script->closes)
        return;
    script->writes[script->write_count++] = id;
    hear(script, 200, "wrote %u %zu %llx", id, length,
         (unsigned long long)application_sum(body, length));
}

/* --- requests that are accepted --- */

static size_t body_length(uint64_t *random)
{
    static const size_t lengths[] = {0, 1, 2, 7, 40, 300};
    if (chance(random, 24))
        return chance(random, 2) ? 65536 : 20000;
    return lengths[chance_below(random, sizeof lengths / sizeof *lengths)];
}

static void body_draw(char *body, size_t length, uint64_t *random)
{
    static const char telling[] = "ab\r\n\0 0:GET / HTTP/1.1\r\n\r\n";
    size_t at = chance_below(random, sizeof telling);
    for (size_t i = 0; i < length; i++)
        body[i] = telling[(at + i) % (sizeof telling - 1)];
}

static void write_begin(struct script *script, unsigned id, const char *method)
{
    say(script, "%s /write/%u HTTP/1.1\r\nHost: x\r\n", method, id);
}

static void sized(struct script *script, uint64_t *random, unsigned id, const char *field)
{
    static _Thread_local char body[65536];
    size_t length = body_length(random);
    body_draw(body, length, random);
    write_begin(script, id, "POST");
    say(script, "%sContent-Length: %zu\r\n\r\n", field, length);
    script_say(script, body, length);
    hear_write(script, id, body, length);
}

static void write_sized(struct script *script, uint64_t *random, unsigned id)
{
    sized(script, random, id, "");
}

static void write_expecting(struct script *script, uint64_t *random, unsigned id)
{
    sized(script, random, id, "Expect: 100-continue\r\n");
}

static void chunks_add(struct script *script, uint64_t *random, const char *body, size_t length)
{
    static const char *const extensions[] = {"", "", "", ";a", " ; a=\"b\\\"\" ;c"};
    static const char *const trailers[] = {"", "", "Content-Length: 5\r\n", "A: b\r\nHost: y \r\n"};
    for (size_t at = 0; at < length;) {
        size_t size = 1 + chance_below(random, length < 1000 ? 50 : 20000);
        if (size > length - at)
            size = length - at;
        say(script, chance(random, 2) ? "%zx%s\r\n" : "0%zX%s\r\n", size,
            extensions[chance_below(random, 5)]);
        script_say(script, body + at, size);
        say(script, "\r\n");
        at += size;
    }
    say(script, "0%s\r\n%s\r\n", extensions[chance_below(random, 5)],
        trailers[chance_below(random, 4)]);
}

static void write_chunked(struct script *script, uint64_t *random, unsigned id)
{
    static _Thread_local char body[65536];
    size_t length = body_length(random);
    body_draw(body, length, random);
    write_begin(script, id, "PUT");
    say(script, "Transfer-Encoding: chunked\r\n\r\n");
    chunks_add(script, random, body, length);
    hear_write(script, id, body, length);
}

static void write_without_a_body(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    write_begin(script, id, "POST");
    say(script, "\r\n");
    hear_write(script, id, "", 0);
}

static void write_that_may_not(struct script *script, uint64_t *random, unsigned id)
{
    static _Thread_local char body[65536];
    size_t length = body_length(random);
    body_draw(body, length, random);
    write_begin(script, id, "POST");
    say(script, "Authorization: bad \r\n");
    if (chance(random, 2)) {
        say(script, "Content-Length: %zu\r\n\r\n", length);
        script_say(script, body, length);
    } else {
        say(script, "Transfer-Encoding: chunked\r\n\r\n");
        chunks_add(script, random, body, length);
    }
    hear(script, 401, "no");
}

static void echo(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "GET /echo/%u HTTP/1.1\r\nHost: x\r\n\r\n", id);
    hear(script, 200, "echo %u", id);
}

static void echo_with_fields(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "GET /echo/%u HTTP/1.1\r\nX-Say:\t a  b \t\r\nhost:x\r\nx-sAY: c\r\nA:\r\n\r\n",
        id);
    hear(script, 200, "echo %u a  b, c", id);
}

static void echo_behind_an_empty_line(struct script *script, uint64_t *random, unsigned id)
{
    say(script, "\r\n");
    echo(script, random, id);
}

static void echo_head(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "HEAD /echo/%u HTTP/1.1\r\nHost: x\r\n\r\n", id);
    hear(script, 200, "echo %u", id);
    if (!script->closes)
        script->answers[script->answer_count - 1].head = true;
}

static void echo_1_0(struct script *script, uint64_t *random, unsigned id)
{
    bool keeps = chance(random, 2);
    say(script, "GET /echo/%u HTTP/1.0\r\n%s\r\n", id, keeps ? "Connection: keep-alive\r\n" : "");
    hear(script, 200, "echo %u", id);
    script->closes |= !keeps;
}

static void echo_that_closes(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "GET /echo/%u HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", id);
    hear(script, 200, "echo %u", id);
    script->closes = true;
}

static void stream(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "GET /stream/%u HTTP/1.1\r\nHost: x\r\n\r\n", id);
    hear(script, 200, "one %u\ntwo %u\nthree %u\n", id, id, id);
}

static void wait(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "GET /wait/%u HTTP/1.1\r\nHost: x\r\n\r\n", id);
    hear(script, 200, "waited %u", id);
}

static void nothing(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "OPTIONS * HTTP/1.1\r\nHost: x\r\nX-Id: %u\r\n\r\n", id);
    hear(script, 404, "nothing");
}

typedef void request_add(struct script *script, uint64_t *random, unsigned id);

static request_add *const valid[] = {
    echo,
    echo_with_fields,
    echo_behind_an_empty_line,
    echo_head,
    write_sized,
    write_chunked,
    write_sized,
    write_chunked,
    write_without_a_body,
    stream,
    wait,
    write_that_may_not,
    nothing,
    write_expecting,
    echo_1_0,
    echo_that_closes,
};
const unsigned script_valid_count = sizeof valid / sizeof *valid;

/* --- requests that are refused --- */

#define GET_    "GET /echo/%u HTTP/1.1\r\n"
#define POST_   "POST /write/%u HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST_ "Transfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *format;
    const char *code;
    bool head; /* a HEAD: there is no body */
} texts[] = {
    {GET_ "Host: x\n\r\n", "malformed_request", false},
    {GET_ "\r\n", "malformed_request", false},
    {GET_ "Host: x\r\nHost: x\r\n\r\n", "malformed_request", false},
    {GET_ "Host: x\r\nA : b\r\n\r\n", "malformed_request", false},
    {GET_ "Host: x\r\nA: b\r\n c\r\n\r\n", "malformed_request", false},
    {GET_ "Host: x\r\nA\r\n\r\n", "malformed_request", false},
    {"\n" GET_ "Host: x\r\n\r\n", "malformed_request", false},
    {"\r\n\r\n" GET_ "Host: x\r\n\r\n", "malformed_request", false},
    {"GET /echo/%u  HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_request", false},
    {"GET echo/%u HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_request", false},
    {"GET /echo/%u HTTP/2.0\r\nHost: x\r\n\r\n", "http_version_not_supported", false},
    {"HEAD /echo/%u HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", "malformed_request", true},
    {"HEAD /echo/%u HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", "not_implemented", true},
    {"HEAD /echo/%u HTTP/3.0\r\n\r\n", "http_version_not_supported", true},
    {GET_ "Host: x\r\nAuthorization: a\r\nAuthorization: a\r\n\r\n", "malformed_request", false},
    {POST_ "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "malformed_request", false},
    {POST_ "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed_request",
     false},
    {POST_ "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "not_implemented", false},
    {POST_ "Content-Length: +3\r\n\r\nabc", "malformed_request", false},
    {POST_ "Content-Length: 65537\r\n\r\nabc", "content_too_large", false},
    {"POST /write/%u HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed_request",
     false},
    {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "malformed_request", false},
    {CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "malformed_request", false},
    {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "malformed_request", false},
    {CHUNKED "3\nabc\r\n0\r\n\r\n", "malformed_request", false},
    {CHUNKED "3\r\nabc\r\n0\r\nA\r\n\r\n", "malformed_request", false},
    {CHUNKED "3\r\nabc\r\n0\r\n\n", "malformed_request", false},
    {CHUNKED "11000000000000000\r\n", "malformed_request", false},
    {POST_ "Authorization: bad\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", "malformed_request",
     false},
};

static void nul_in_a_field(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "POST /write/%u HTTP/1.1\r\nHost: x\r\nA: b", id);
    repeat(script, '\0', 1);
    say(script, "c\r\n\r\n");
    hear_refusal(script, "malformed_request");
}

static void too_many_fields(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    write_begin(script, id, "POST");
    for (int i = 0; i < 70; i++)
        say(script, "A: b\r\n");
    say(script, "\r\n");
    hear_refusal(script, "headers_too_large");
}

static void too_long_a_target(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    say(script, "GET /echo/%u/", id);
    repeat(script, 'a', 5000);
    say(script, " HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_refusal(script, "uri_too_long");
}

static void too_large_a_head(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    write_begin(script, id, "POST");
    say(script, "A: ");
    repeat(script, 'a', 17000);
    say(script, "\r\n\r\n");
    hear_refusal(script, "headers_too_large");
}

static void too_many_chunks(struct script *script, uint64_t *random, unsigned id)
{
    (void)random;
    write_begin(script, id, "POST");
    say(script, "Transfer-Encoding: chunked\r\n\r\n8000\r\n");
    repeat(script, 'a', 0x8000);
    say(script, "\r\n8000\r\n");
    repeat(script, 'b', 0x8000);
    say(script, "\r\n1\r\nc\r\n0\r\n\r\n");
    hear_refusal(script, "content_too_large");
}

static request_add *const made[] = {nul_in_a_field, too_many_fields, too_long_a_target,
                                    too_large_a_head, too_many_chunks};
enum { TEXTS = sizeof texts / sizeof *texts, MADE = sizeof made / sizeof *made };
const unsigned script_refused_count = TEXTS + MADE;

static void refused_add(struct script *script, uint64_t *random, unsigned which, unsigned id)
{
    if (which >= TEXTS) {
        made[which - TEXTS](script, random, id);
        return;
    }
    char text[512];
    char number[16];
    const char *mark = strstr(texts[which].format, "%u");
    snprintf(number, sizeof number, "%u", id);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - texts[which].format), texts[which].format,
             number, mark + 2);
    script_say(script, text, strlen(text));
    bool heard = !script->closes;
    hear_refusal(script, texts[which].code);
    if (heard)
        script->answers[script->answer_count - 1].head = texts[which].head;
}

/* --- drawing --- */

void script_add(struct script *script, uint64_t *random, bool refused, unsigned which, unsigned id)
{
    if (refused)
        refused_add(script, random, which % script_refused_count, id);
    else
        valid[which % script_valid_count](script, random, id);
}

void script_add_valid(struct script *script, uint64_t *random, unsigned id)
{
    script_add(script, random, false, chance_below(random, script_valid_count), id);
}

void script_add_refused(struct script *script, uint64_t *random, unsigned id)
{
    /* Those of more than a thousand octets seldom. */
    unsigned count = chance(random, 10) ? script_refused_count : TEXTS;
    script_add(script, random, true, chance_below(random, count), id);
}

void script_add_cut(struct script *script, uint64_t *random, unsigned id)
{
    static const char body[] = "0123456789";
    bool chunked = chance(random, 2);
    size_t begin = script->length;
    write_begin(script, id, "POST");
    say(script, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 10\r\n\r\n");
    size_t head = script->length - begin;
    if (chunked)
        chunks_add(script, random, body, 10);
    else
        script_say(script, body, 10);
    size_t kept = 1 + chance_below(random, (unsigned)(script->length - begin) - 1);
    script->length = begin + kept;
    if (kept >= head)
        hear_refusal(script, "malformed_request");
    script->closes = script->cut = true;
}

void script_mutate(struct script *script, uint64_t *random)
{
    static const char telling[] = "\r\n \t:;,0aG/\0\x7f\xff";
    for (unsigned left = 1 + chance_below(random, 3); left > 0 && script->length > 0; left--) {
        size_t at = chance_below(random, (unsigned)script->length);
        char octet = telling[chance_below(random, sizeof telling - 1)];
        switch (chance_below(random, 3)) {
        case 0:
            script->octets[at] = octet;
            break;
        case 1:
            memmove(script->octets + at, script->octets + at + 1, script->length - at - 1);
            script->length--;
            break;
        default:
            room(script, 1);
            memmove(script->octets + at + 1, script->octets + at, script->length - at);
            script->octets[at] = octet;
            script->length++;
        }
    }
    script->mutated = true;
    script->answer_count = 0;
}
