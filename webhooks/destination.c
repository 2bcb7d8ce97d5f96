/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/destination.h"

#include "base/network.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RANGE(cidr, words) CARRIER(cidr, words, 0, 0)
#define CARRIER(cidr, words, at, inverted)                                                         \
    {                                                                                              \
        cidr, words,                                                                               \
            "This address is " words " (" cidr "); webhooks go to public addresses only.", at,     \
            inverted                                                                               \
    }

/* The first that holds an address names it. */
static const struct {
    const char *cidr, *words, *sentence;
    int at; /* the octet where such an address carries an IPv4 address, 0: it does not */
    uint8_t inverted;
} refused[] = {
    /* IANA IPv4 Special-Purpose Address Registry */
    RANGE("0.0.0.0/8", "of this network"),
    RANGE("10.0.0.0/8", "private"),
    RANGE("100.64.0.0/10", "shared by a carrier"),
    RANGE("127.0.0.0/8", "loopback"),
    RANGE("169.254.0.0/16", "link-local"),
    RANGE("172.16.0.0/12", "private"),
    RANGE("192.0.0.0/24", "reserved for protocols"),
    RANGE("192.0.2.0/24", "for documentation"),
    RANGE("192.31.196.0/24", "a sink of AS112"),
    RANGE("192.52.193.0/24", "for multicast tunnels"),
    RANGE("192.88.99.0/24", "a relay of 6to4"),
    RANGE("192.168.0.0/16", "private"),
    RANGE("192.175.48.0/24", "a sink of AS112"),
    RANGE("198.18.0.0/15", "for benchmarks"),
    RANGE("198.51.100.0/24", "for documentation"),
    RANGE("203.0.113.0/24", "for documentation"),
    RANGE("224.0.0.0/4", "multicast"),
    RANGE("255.255.255.255/32", "broadcast"),
    RANGE("240.0.0.0/4", "reserved"),
    /* IANA IPv6 Special-Purpose Address Registry */
    RANGE("::1/128", "loopback"),
    RANGE("::/128", "unspecified"),
    CARRIER("::/96", "IPv4-compatible", 12, 0),
    RANGE("::ffff:0:0:0/96", "IPv4-translated"),
    CARRIER("64:ff9b::/96", "behind NAT64", 12, 0),
    /* RFC 8215; as with a prefix of 96 bits in it. */
    CARRIER("64:ff9b:1::/48", "behind NAT64", 12, 0),
    RANGE("100::/64", "discarded"),
    RANGE("100:0:0:1::/64", "a dummy prefix"),
    CARRIER("2001::/32", "behind Teredo", 12, 0xFF),
    RANGE("2001:2::/48", "for benchmarks"),
    RANGE("2001:3::/32", "for multicast tunnels"),
    RANGE("2001:4:112::/48", "a sink of AS112"),
    RANGE("2001:10::/28", "a cryptographic hash"),
    RANGE("2001:20::/28", "a cryptographic hash"),
    RANGE("2001:30::/28", "a tag of a drone"),
    RANGE("2001::/23", "reserved for protocols"),
    RANGE("2001:db8::/32", "for documentation"),
    CARRIER("2002::/16", "behind 6to4", 2, 0),
    RANGE("2620:4f:8000::/48", "a sink of AS112"),
    RANGE("3fff::/20", "for documentation"),
    RANGE("5f00::/16", "a segment identifier"),
    RANGE("fc00::/7", "private"),
    RANGE("fe80::/10", "link-local"),
    RANGE("fec0::/10", "site-local"),
    RANGE("ff00::/8", "multicast"),
};

enum { REFUSED = sizeof refused / sizeof *refused };

static const char allocated[] = "2000::/3";

static struct block allowed[DESTINATIONS_ALLOWED];
static size_t allowed_count;

static bool within(const char *cidr, const struct address *address)
{
    struct block block;
    if (!block_read(&block, cidr))
        abort();
    return block_holds(&block, address);
}

static bool is_allowed(const struct address *address)
{
    for (size_t i = 0; i < allowed_count; i++)
        if (block_holds(&allowed[i], address))
            return true;
    return false;
}

/* What is wrong with an address by itself: the index in refused, -1: nothing, REFUSED: it lies
 * outside of what is allocated. */
static int range_of(const struct address *address)
{
    for (int i = 0; i < REFUSED; i++)
        if (within(refused[i].cidr, address))
            return i;
    return address_is_four(address) || within(allocated, address) ? -1 : REFUSED;
}

struct judgement {
    const char *words, *sentence;
};

/* An IPv4 address that a carrier holds is public, or allowed by itself. */
static struct judgement judge(const struct address *address, bool plain)
{
    static const struct judgement good = {NULL, NULL};
    static const struct judgement clear = {
        "not in a network that plain http is allowed to",
        "Use https; plain http is only for addresses that the operator allows."};
    static const struct judgement nowhere = {
        "not allocated", "This address is not allocated to anybody; webhooks go to public ones."};
    bool admitted = is_allowed(address);
    int range = range_of(address);
    if (!admitted && range == REFUSED)
        return nowhere;
    if (!admitted && range >= 0)
        return (struct judgement){refused[range].words, refused[range].sentence};
    if (!admitted && plain)
        return clear;
    if (range < 0 || range == REFUSED || refused[range].at == 0)
        return good;
    uint8_t octets[4];
    for (int octet = 0; octet < 4; octet++)
        octets[octet] = address->octets[refused[range].at + octet] ^ refused[range].inverted;
    struct address carried = address_from_four(octets);
    return judge(&carried, false);
}

bool destination_cidr_valid(const char *cidr)
{
    struct block block;
    return block_read(&block, cidr);
}

void destination_allow(const char *cidr)
{
    if (allowed_count == DESTINATIONS_ALLOWED || !block_read(&allowed[allowed_count], cidr))
        abort();
    allowed_count++;
}

const char *destination_refusal(const struct sockaddr *address, bool plain)
{
    struct address judged;
    if (!address_of(&judged, address))
        return "of no family that webhooks are sent to";
    return judge(&judged, plain).words;
}

bool destination_admits(const struct sockaddr *address)
{
    return destination_refusal(address, false) == NULL;
}

/* --- the URL --- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char digits[] = "0123456789";
static const char hexadecimal[] = "0123456789abcdefABCDEF";
enum { HOST_MAX = 253, LABEL_MAX = 63 };

static bool only(const char *text, const char *set, const char *more)
{
    for (; *text; text++)
        if (!strchr(set, *text) && !strchr(more, *text))
            return false;
    return true;
}

static bool letter_or_digit(char c)
{
    return c != '\0' && (strchr(letters, c) || strchr(digits, c));
}

/* Whether a resolver may take a host for an IPv4 address in one of inet_aton's spellings: its last
 * label is a decimal, octal or hexadecimal number. No top-level domain is. */
static bool ends_in_a_number(const char *host)
{
    const char *dot = strrchr(host, '.'), *last = dot ? dot + 1 : host;
    if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
        return strspn(last + 2, hexadecimal) == strlen(last + 2);
    return strspn(last, digits) == strlen(last);
}

static bool ends_in(const char *host, const char *domain)
{
    size_t length = strlen(host), tail = strlen(domain);
    return length >= tail && strcasecmp(host + length - tail, domain) == 0 &&
           (length == tail || host[length - tail - 1] == '.');
}

/* Names that mean this machine or this network (RFC 6761, RFC 6762, RFC 8375, and what ICANN keeps
 * for private use): of use only where the operator allows such addresses. */
static const char *private_name_fault(const char *host)
{
    static const char *const domains[] = {"localhost", "local", "internal", "home.arpa"};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (ends_in(host, domains[i]))
            return "This name belongs to a private network; webhooks go to public addresses only.";
    if (!strchr(host, '.'))
        return "Give the host's full name, with its domain.";
    return NULL;
}

static const char *name_fault(const char *host)
{
    static const char malformed[] = "The host is not a name that the DNS knows: labels of letters, "
                                    "digits and hyphens, with single full stops between them.";
    for (const char *label = host;; label++) {
        size_t length = strcspn(label, ".");
        if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
            return malformed;
        for (size_t i = 0; i < length; i++)
            if (!letter_or_digit(label[i]) && label[i] != '-')
                return malformed;
        label += length;
        if (*label == '\0')
            break;
    }
    return allowed_count > 0 ? NULL : private_name_fault(host);
}

static const char *literal_fault(const struct address *address, bool plain)
{
    return judge(address, plain).sentence;
}

/* host is a copy, without brackets; bracketed: it had some. */
static const char *host_fault(const char *host, bool bracketed, bool plain)
{
    struct address address;
    if (bracketed) {
        if (!strchr(host, ':') || !address_read(&address, host))
            return strchr(host, '%') ? "An address with a zone means something on one machine only."
                                     : "What stands in brackets is no IPv6 address.";
        return literal_fault(&address, plain);
    }
    if (ends_in_a_number(host)) {
        if (strchr(host, ':') || !address_read(&address, host))
            return "Write an IPv4 address as four decimal numbers, like 192.0.2.1.";
        return literal_fault(&address, plain);
    }
    const char *fault = name_fault(host);
    if (!fault && plain)
        fault = "Use https; plain http is only for addresses that the operator allows.";
    return fault;
}

/* At what stands behind the host. 443, or one that no service of a system listens on; where the
 * operator allows an address, any. */
static const char *port_fault(const char *port, bool any)
{
    char *end;
    if (*port == '\0')
        return NULL;
    unsigned long number = strtoul(port + 1, &end, 10);
    if (port[0] != ':' || port[1] < '1' || port[1] > '9' || *end != '\0' || end - port > 6 ||
        number > 65535)
        return "The port is not a number from 1 to 65535.";
    if (!any && number != 443 && number < 1024)
        return "The port has to be 443, or 1024 and above.";
    return NULL;
}

static bool allowed_literal(const char *host)
{
    struct address address;
    return address_read(&address, host) && is_allowed(&address);
}

static const char *authority_fault(const char *authority, size_t length, bool plain)
{
    char text[HOST_MAX + 10];
    if (memchr(authority, '@', length))
        return "Leave out the user and the password; requests are signed instead.";
    if (length == 0)
        return "The host is missing.";
    if (length >= sizeof text)
        return "The host is longer than 253 characters.";
    memcpy(text, authority, length);
    text[length] = '\0';
    bool bracketed = text[0] == '[';
    char *host = bracketed ? text + 1 : text, *end = strpbrk(host, bracketed ? "]" : ":");
    char port[sizeof text] = "";
    if (bracketed && !end)
        return "What stands in brackets is no IPv6 address.";
    if (end) {
        memcpy(port, bracketed ? end + 1 : end, strlen(bracketed ? end + 1 : end) + 1);
        *end = '\0';
    }
    if (strlen(host) > HOST_MAX)
        return "The host is longer than 253 characters.";
    if (*host == '\0')
        return "The host is missing.";
    if (!bracketed && host[strlen(host) - 1] == '.')
        return "Leave out the full stop behind the host.";
    const char *fault = host_fault(host, bracketed, plain);
    return fault ? fault : port_fault(port, allowed_literal(host));
}

/* RFC 3986 path and query, and no fragment. */
static const char *target_fault(const char *target)
{
    if (strchr(target, '#'))
        return "Leave out the fragment (#); it is never sent.";
    for (const char *at = target; (at = strchr(at, '%')) != NULL; at++)
        if (!at[1] || !strchr(hexadecimal, at[1]) || !at[2] || !strchr(hexadecimal, at[2]))
            return "A percent sign has to be followed by two hexadecimal digits.";
    if (!only(target, letters, "0123456789-._~!$&'()*+,;=:@/?%"))
        return "The path or query holds a character that has to be percent-encoded.";
    return NULL;
}

bool webhook_url_accepts(const char *url, const char **fault)
{
    bool plain = strncasecmp(url, "http://", 7) == 0;
    *fault = NULL;
    for (const char *at = url; *at; at++)
        if (*at < 0x21 || *at > 0x7E) {
            *fault =
                "A URL holds visible ASCII characters only; write an international host in its "
                "xn-- form, and percent-encode the rest.";
            return false;
        }
    if (strlen(url) > WEBHOOK_URL_MAX)
        *fault = "The URL is longer than 2048 characters.";
    else if (!plain && strncasecmp(url, "https://", 8) != 0)
        *fault = "The URL has to begin with https://";
    if (*fault)
        return false;
    const char *authority = url + (plain ? 7 : 8);
    size_t length = strcspn(authority, "/?#\\");
    *fault = authority_fault(authority, length, plain);
    if (!*fault)
        *fault = target_fault(authority + length);
    return !*fault;
}
