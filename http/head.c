/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include "http/octet.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* Where the reader stands in the line that it reads. */
struct scan {
    const char *start, *at, *end; /* of the whole head so far */
    struct head *out;
    const struct single_field *singles;
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

static struct span span_of(const struct scan *scan, const char *at, const char *stop)
{
    return (struct span){(uint16_t)(at - scan->start), (uint16_t)(stop - at)};
}

/* Behind the characters of the set. */
static const char *skip(const char *at, const char *end, const struct octet_set *set)
{
    while (at < end && octet_in(set, *at))
        at++;
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
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
    scan->at = skip(start, scan->end, &octet_token);
    if (scan->at - start > METHOD_MAX)
        return refuse(scan, "not_implemented", "This method is not known.");
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    if (scan->at == start || *scan->at != ' ')
        return malformed(scan, "The request line does not begin with a method and one space.");
    scan->out->method = span_of(scan, start, scan->at);
    scan->out->has_method = true;
    scan->at++;
    return HEAD_COMPLETE;
}

/* Whether escapes are whole, and none is a NUL. */
static bool escapes_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%')
            continue;
        if (length - i < 3 || octet_hex(text[i + 1]) < 0 || octet_hex(text[i + 2]) < 0)
            return false;
        if (text[i + 1] == '0' && text[i + 2] == '0')
            return false;
    }
    return true;
}

/* An IPv6 address in brackets: the octets behind it, or NULL. */
static const char *literal_end(const char *value, size_t length)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    const char *end = memchr(value, ']', length);
    size_t size = end ? (size_t)(end - value) - 1 : sizeof text;
    if (size >= sizeof text)
        return NULL;
    memcpy(text, value + 1, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &ignored) == 1 ? end + 1 : NULL;
}

/* uri-host [ ":" port ] (RFC 9110 section 7.2), without user information, and without a comma in
 * the name, which a list of two hosts would have. */
static bool authority_valid(const char *value, size_t length)
{
    const char *end = value + length, *at = value;
    if (length > 0 && *value == '[') {
        at = literal_end(value, length);
        if (!at)
            return false;
    } else {
        while (at < end && octet_in(&octet_target, *at) && !strchr(":/?@[],", *at))
            at++;
        if (!escapes_valid(value, (size_t)(at - value)))
            return false;
    }
    if (at < end && *at == ':')
        for (at++; at < end && is_digit(*at);)
            at++;
    return at == end;
}

/* Origin form, absolute form or the asterisk (RFC 9112 section 3.2); escapes whole and not NUL. */
static bool target_valid(const char *target, size_t length)
{
    if (!escapes_valid(target, length))
        return false;
    if (target[0] == '/' || (length == 1 && target[0] == '*'))
        return true;
    size_t scheme = 0;
    if (length > 7 && strncasecmp(target, "http://", 7) == 0)
        scheme = 7;
    else if (length > 8 && strncasecmp(target, "https://", 8) == 0)
        scheme = 8;
    const char *host = target + scheme;
    size_t size = 0;
    while (scheme + size < length && host[size] != '/' && host[size] != '?')
        size++;
    return scheme > 0 && size > 0 && *host != ':' && authority_valid(host, size);
}

static enum head_verdict target_read(struct scan *scan)
{
    const char *start = scan->at;
    scan->at = skip(start, scan->end, &octet_target);
    size_t length = (size_t)(scan->at - start);
    if (length > TARGET_MAX)
        return refuse(scan, "uri_too_long", NULL);
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    if (length == 0 || *scan->at != ' ' || !target_valid(start, length))
        return malformed(scan, "The request target is not a well-formed path and query. "
                               "Percent-encode what RFC 3986 does not allow.");
    scan->out->target = span_of(scan, start, scan->at);
    scan->out->has_target = true;
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
        if (form[i] == 'd' ? !is_digit(c) : c != form[i])
            return malformed(scan, "The request line does not end with the HTTP version.");
    }
    if (scan->at[5] != '1')
        return refuse(scan, "http_version_not_supported", NULL);
    scan->out->http10 = scan->at[7] == '0';
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
    if (++scan->out->lengths > 1)
        return malformed(scan, "Content-Length stands twice.");
    if (length == 0)
        return malformed(scan, "Content-Length is empty.");
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(value[i]))
            return malformed(scan, "Content-Length is not a plain decimal number.");
        if (number <= BODY_MAX) /* beyond that it only has to stay too large */
            number = number * 10 + (uint64_t)(value[i] - '0');
    }
    scan->out->sized = true;
    scan->out->content_length = number;
    return HEAD_COMPLETE;
}

static bool has_item(const char *value, size_t length, const char *item)
{
    const char *end = value + length;
    while (value < end) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *stop = comma ? comma : end;
        while (value < stop && octet_is_blank(*value))
            value++;
        const char *last = stop;
        while (last > value && octet_is_blank(last[-1]))
            last--;
        if (named(value, (size_t)(last - value), item))
            return true;
        value = stop + 1;
    }
    return false;
}

static enum head_verdict single_noted(struct scan *scan, const char *name, size_t length)
{
    const struct single_field *single = scan->singles;
    for (unsigned bit = 1; single && single->name; single++, bit <<= 1) {
        if (single->length != length || strncasecmp(name, single->name, length) != 0)
            continue;
        if (scan->out->singles & bit)
            return malformed(scan, "A header field that has one value stands twice.");
        scan->out->singles |= bit;
    }
    return HEAD_COMPLETE;
}

/* What frames the request, or keeps the connection. */
static enum head_verdict field_noted(struct scan *scan, const char *name, size_t name_length,
                                     const char *value, size_t length)
{
    struct head *head = scan->out;
    switch (name_length) {
    case 4:
        if (!named(name, name_length, "host"))
            break;
        if (++head->hosts > 1)
            return malformed(scan, "Host stands twice.");
        if (!authority_valid(value, length))
            return malformed(scan, "Host is not a host with an optional port.");
        break;
    case 6:
        if (named(name, name_length, "expect"))
            head->expects |= named(value, length, "100-continue");
        break;
    case 10:
        if (!named(name, name_length, "connection"))
            break;
        head->close |= has_item(value, length, "close");
        head->keeps |= has_item(value, length, "keep-alive");
        break;
    case 14:
        if (named(name, name_length, "content-length"))
            return length_noted(scan, value, length);
        break;
    case 17:
        if (!named(name, name_length, "transfer-encoding"))
            break;
        head->codings++;
        head->chunked = named(value, length, "chunked");
        break;
    default:
        break;
    }
    return single_noted(scan, name, name_length);
}

static enum head_verdict field_read(struct scan *scan)
{
    struct head *head = scan->out;
    const char *name = scan->at;
    scan->at = skip(name, scan->end, &octet_token);
    if (scan->at == scan->end)
        return HEAD_INCOMPLETE;
    const char *colon = scan->at;
    if (colon == name || *colon != ':')
        return malformed(scan, "A header field is not a name, a colon right behind it, and a value "
                               "on the same line.");
    const char *value = ++scan->at;
    while (scan->at < scan->end && octet_in_value(*scan->at))
        scan->at++;
    const char *stop = scan->at;
    if (stop < scan->end && *stop != '\r')
        return malformed(scan, "A header field holds a control character.");
    enum head_verdict verdict = line_end(scan);
    if (verdict != HEAD_COMPLETE)
        return verdict;
    while (value < stop && octet_is_blank(*value))
        value++;
    while (stop > value && octet_is_blank(stop[-1]))
        stop--;
    if (head->field_count == FIELDS_MAX)
        return refuse(scan, "headers_too_large", "There are more than 64 header fields.");
    head->fields[head->field_count++] =
        (struct field_span){span_of(scan, name, colon), span_of(scan, value, stop)};
    return field_noted(scan, name, (size_t)(colon - name), value, (size_t)(stop - value));
}

/* What only the whole head can tell. */
static enum head_verdict framing_check(struct scan *scan)
{
    struct head *head = scan->out;
    if (head->hosts == 0 && !head->http10)
        return malformed(scan, "The Host header field is missing.");
    if (head->codings > 0 && head->lengths > 0)
        return malformed(scan, "Content-Length and Transfer-Encoding exclude each other.");
    if (head->codings > 0 && head->http10)
        return malformed(scan, "HTTP/1.0 has no transfer codings.");
    if (head->codings > 1 || (head->codings == 1 && !head->chunked))
        return refuse(scan, "not_implemented",
                      "Of the transfer codings only chunked is taken, and it only once.");
    if (head->content_length > BODY_MAX)
        return refuse(scan, "content_too_large", NULL);
    head->close |= head->http10 && !head->keeps;
    return HEAD_COMPLETE;
}

static enum head_verdict request_line_read(struct scan *scan)
{
    enum head_verdict verdict;
    scan->out->has_method = scan->out->has_target = false;
    /* One empty line before the request line is allowed: RFC 9112 section 2.2. */
    if (scan->at < scan->end && *scan->at == '\r' && (verdict = line_end(scan)) != HEAD_COMPLETE)
        return verdict;
    if ((verdict = method_read(scan)) != HEAD_COMPLETE ||
        (verdict = target_read(scan)) != HEAD_COMPLETE)
        return verdict;
    return version_read(scan);
}

static enum head_verdict lines_read(struct scan *scan)
{
    struct head *head = scan->out;
    enum head_verdict verdict;
    if (!head->begun && (verdict = request_line_read(scan)) != HEAD_COMPLETE)
        return verdict;
    head->begun = true;
    for (;;) {
        head->at = (size_t)(scan->at - scan->start);
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

void head_begin(struct head *head)
{
    memset(head, 0, offsetof(struct head, fields));
    memset((char *)head + offsetof(struct head, refusal), 0,
           sizeof *head - offsetof(struct head, refusal));
}

enum head_verdict head_read(struct head *head, const char *bytes, size_t size,
                            const struct single_field *singles)
{
    struct scan scan = {bytes, bytes + head->at, bytes + size, head, singles};
    /* Offsets have 16 bits; what lies further back makes the head too large whatever it says. */
    if (size > HEAD_MAX)
        scan.end = bytes + HEAD_MAX;
    enum head_verdict verdict = lines_read(&scan);
    head->length = (size_t)(scan.at - bytes);
    if (verdict == HEAD_INCOMPLETE && size >= HEAD_MAX)
        return refuse(&scan, "headers_too_large", NULL);
    return verdict;
}
