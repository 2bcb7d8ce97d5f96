/* SPDX-License-Identifier: Apache-2.0 */
#include "api/head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Where the reader stands, and what it has counted. */
struct scan {
    const char *at, *end;
    struct head *out;
    int hosts, lengths, codings;
    unsigned singles; /* bits of the fields that may stand once only */
    bool chunked;
};

/* Fields that mean something here and have one value: a second one is refused. */
static const char *const single_fields[] = {
    "authorization", "content-type", "webhook-id", "webhook-timestamp", "webhook-signature",
};

static enum head_verdict refuse(struct scan *scan, const char *code, const char *detail)
{
    scan->out->refusal = (struct refusal){code, detail};
    return HEAD_REFUSED;
}

static enum head_verdict malformed(struct scan *scan, const char *detail)
{
    return refuse(scan, "malformed_request", detail);
}

/* Sets of ASCII characters, a bit each: every octet of every head is looked up. */
#define BIT(c)        ((uint64_t)1 << ((c) % 64))
#define RANGE(c, end) ((BIT(end) - BIT(c)) | BIT(end))

/* RFC 9110 section 5.6.2: letters, digits, !#$%&'*+-.^_`|~ */
static const uint64_t token_set[2] = {BIT('!') | RANGE('#', '\'') | BIT('*') | BIT('+') | BIT('-') |
                                          BIT('.') | RANGE('0', '9'),
                                      RANGE('A', 'Z') | RANGE('^', 'z') | BIT('|') | BIT('~')};

/* RFC 3986, what may stand in a path or a query: letters, digits, -._~!$&'()*+,;=:@/?%[]
 * Percent signs are looked at apart. */
static const uint64_t target_set[2] = {BIT('!') | RANGE('$', ';') | BIT('=') | BIT('?'),
                                       RANGE('@', 'Z') | BIT('[') | BIT(']') | BIT('_') |
                                           RANGE('a', 'z') | BIT('~')};

static bool is_in(const uint64_t set[2], char c)
{
    unsigned char u = (unsigned char)c;
    return u < 128 && (set[u / 64] >> u % 64 & 1);
}

/* Behind the characters of the set. */
static const char *span(const char *at, const char *end, const uint64_t set[2])
{
    while (at < end && is_in(set, *at))
        at++;
    return at;
}

/* Behind what may stand in a value: no control characters but the tabulator. */
static const char *value_span(const char *at, const char *end)
{
    while (at < end && ((unsigned char)*at >= 0x20 ? *at != 0x7F : *at == '\t'))
        at++;
    return at;
}

/* Consume CR LF. */
static enum head_verdict line_end(struct scan *scan)
{
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    if (*scan->at != '\r')
        return malformed(scan, "A line of the head does not end with CR LF.");
    if (scan->at + 1 == scan->end)
        return HEAD_INCOMPLETE;
    if (scan->at[1] != '\n')
        return malformed(scan, "A carriage return stands alone in the head.");
    scan->at += 2;
    return HEAD_COMPLETE;
}

static enum head_verdict method_read(struct scan *scan)
{
    const char *start = scan->at;
    scan->at = span(start, scan->end, token_set);
    if (scan->at - start > METHOD_MAX)
        return refuse(scan, "not_implemented", "This method is not known.");
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    if (scan->at == start || *scan->at != ' ')
        return malformed(scan, "The request line does not begin with a method and one space.");
    scan->at++;
    return HEAD_COMPLETE;
}

/* Origin form, absolute form or the asterisk (RFC 9112 section 3.2); escapes whole and not NUL. */
static bool target_valid(const char *target, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (target[i] != '%')
            continue;
        if (length - i < 3 || !isxdigit((unsigned char)target[i + 1]) ||
            !isxdigit((unsigned char)target[i + 2]))
            return false;
        if (target[i + 1] == '0' && target[i + 2] == '0')
            return false;
    }
    if (target[0] == '/' || (length == 1 && target[0] == '*'))
        return true;
    size_t scheme = 0;
    if (length > 7 && strncasecmp(target, "http://", 7) == 0)
        scheme = 7;
    else if (length > 8 && strncasecmp(target, "https://", 8) == 0)
        scheme = 8;
    return scheme > 0 && target[scheme] != '/' && target[scheme] != '?';
}

static enum head_verdict target_read(struct scan *scan)
{
    const char *start = scan->at;
    scan->at = span(start, scan->end, target_set);
    size_t length = (size_t)(scan->at - start);
    if (length > TARGET_MAX)
        return refuse(scan, "uri_too_long", NULL);
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    if (length == 0 || *scan->at != ' ' || !target_valid(start, length))
        return malformed(scan, "The request target is not a well-formed path and query. "
                               "Percent-encode what RFC 3986 does not allow.");
    scan->out->target = start;
    scan->out->target_length = length;
    scan->at++;
    return HEAD_COMPLETE;
}

static enum head_verdict version_read(struct scan *scan)
{
    static const char form[] = "HTTP/d.d";
    size_t i = 0;
    for (; i < sizeof form - 1; i++) {
        if (scan->at + i == scan->end)
            return HEAD_INCOMPLETE;
        char c = scan->at[i];
        if (form[i] == 'd' ? !isdigit((unsigned char)c) : c != form[i])
            return malformed(scan, "The request line does not end with the HTTP version.");
    }
    if (scan->at[5] != '1')
        return refuse(scan, "http_version_not_supported", NULL);
    scan->out->http10 = scan->at[7] == '0';
    scan->out->close = scan->out->http10;
    scan->at += i;
    return line_end(scan);
}

static bool named(const char *name, size_t length, const char *wanted)
{
    return strlen(wanted) == length && strncasecmp(name, wanted, length) == 0;
}

static enum head_verdict length_noted(struct scan *scan, const char *value, size_t length)
{
    uint64_t number = 0;
    if (++scan->lengths > 1)
        return malformed(scan, "Content-Length stands twice.");
    if (length == 0)
        return malformed(scan, "Content-Length is empty.");
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)value[i]))
            return malformed(scan, "Content-Length is not a plain decimal number.");
        if (number <= BODY_MAX) /* beyond that it only has to stay too large */
            number = number * 10 + (uint64_t)(value[i] - '0');
    }
    /* The HTTP library answers twice when a length does not fit into 64 bits. */
    scan->out->sized = true;
    scan->out->content_length = number;
    return HEAD_COMPLETE;
}

static bool host_valid(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_in(target_set, value[i]) || strchr("/?@,", value[i]))
            return false;
    return true;
}

static bool has_item(const char *value, size_t length, const char *item)
{
    const char *end = value + length;
    while (value < end) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *stop = comma ? comma : end;
        while (value < stop && (*value == ' ' || *value == '\t'))
            value++;
        const char *last = stop;
        while (last > value && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if (named(value, (size_t)(last - value), item))
            return true;
        value = stop + 1;
    }
    return false;
}

static enum head_verdict field_noted(struct scan *scan, const char *name, size_t name_length,
                                     const char *value, size_t length)
{
    if (++scan->out->fields > FIELDS_MAX)
        return refuse(scan, "headers_too_large", "There are more than 64 header fields.");
    if (named(name, name_length, "content-length"))
        return length_noted(scan, value, length);
    if (named(name, name_length, "host")) {
        if (++scan->hosts > 1)
            return malformed(scan, "Host stands twice.");
        if (!host_valid(value, length))
            return malformed(scan, "Host is not a host with an optional port.");
    }
    if (named(name, name_length, "transfer-encoding")) {
        scan->codings++;
        scan->chunked = named(value, length, "chunked");
    }
    if (named(name, name_length, "connection") && has_item(value, length, "close"))
        scan->out->close = true;
    if (named(name, name_length, "cookie")) {
        scan->out->cookies++;
        for (size_t i = 0; i < length; i++)
            scan->out->cookies += value[i] == ';' || value[i] == ',';
        if (scan->out->cookies > COOKIES_MAX)
            return refuse(scan, "headers_too_large", "There are too many cookies; send none.");
    }
    for (unsigned i = 0; i < sizeof single_fields / sizeof *single_fields; i++) {
        if (!named(name, name_length, single_fields[i]))
            continue;
        if (scan->singles & 1u << i)
            return malformed(scan, "A header field that has one value stands twice.");
        scan->singles |= 1u << i;
    }
    return HEAD_COMPLETE;
}

static enum head_verdict field_read(struct scan *scan)
{
    const char *name = scan->at;
    scan->at = span(name, scan->end, token_set);
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    size_t name_length = (size_t)(scan->at - name);
    if (name_length == 0 || *scan->at != ':')
        return malformed(scan, "A header field is not a name, a colon right behind it, and a value "
                               "on the same line.");
    scan->at++;
    const char *value = scan->at;
    scan->at = value_span(value, scan->end);
    const char *stop = scan->at;
    if (stop < scan->end && *stop != '\r')
        return malformed(scan, "A header field holds a control character.");
    enum head_verdict verdict = line_end(scan);
    if (verdict != HEAD_COMPLETE)
        return verdict;
    while (value < stop && (*value == ' ' || *value == '\t'))
        value++;
    while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    return field_noted(scan, name, name_length, value, (size_t)(stop - value));
}

/* What only the whole head can tell. */
static enum head_verdict framing_check(struct scan *scan)
{
    if (scan->hosts == 0 && !scan->out->http10)
        return malformed(scan, "The Host header field is missing.");
    if (scan->codings > 0 && scan->lengths > 0)
        return malformed(scan, "Content-Length and Transfer-Encoding exclude each other.");
    if (scan->codings > 0 && scan->out->http10)
        return malformed(scan, "HTTP/1.0 has no transfer codings.");
    if (scan->codings == 1 && scan->chunked)
        return refuse(scan, "length_required", NULL);
    if (scan->codings > 0)
        return refuse(scan, "not_implemented",
                      "Transfer codings are not taken. Send the body with a Content-Length.");
    if (scan->out->content_length > BODY_MAX)
        return refuse(scan, "content_too_large", NULL);
    return HEAD_COMPLETE;
}

static enum head_verdict scan_all(struct scan *scan)
{
    enum head_verdict verdict;
    /* One empty line before the request line is allowed: RFC 9112 section 2.2. */
    if (scan->at < scan->end && *scan->at == '\r' && (verdict = line_end(scan)) != HEAD_COMPLETE)
        return verdict;
    if ((verdict = method_read(scan)) != HEAD_COMPLETE ||
        (verdict = target_read(scan)) != HEAD_COMPLETE ||
        (verdict = version_read(scan)) != HEAD_COMPLETE)
        return verdict;
    for (;;) {
        if (scan->at == scan->end)
            return HEAD_INCOMPLETE;
        if (*scan->at == '\r')
            break;
        if ((verdict = field_read(scan)) != HEAD_COMPLETE)
            return verdict;
    }
    if ((verdict = line_end(scan)) != HEAD_COMPLETE)
        return verdict;
    return framing_check(scan);
}

enum head_verdict head_scan(struct head *out, const char *bytes, size_t size)
{
    struct scan scan = {.at = bytes, .end = bytes + size, .out = out};
    memset(out, 0, sizeof *out);
    enum head_verdict verdict = scan_all(&scan);
    out->length = (size_t)(scan.at - bytes);
    if ((verdict == HEAD_INCOMPLETE && size >= HEAD_MAX) ||
        (verdict == HEAD_COMPLETE && out->length > HEAD_MAX))
        return refuse(&scan, "headers_too_large", NULL);
    return verdict;
}
