/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listen_address.h"

#include "base/arena.h"
#include "cli/options.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_MAX = 64 /* of a numeric address with its zone */ };

const char *listen_address_read(const char *text)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    size_t length = strlen(text);
    bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (strcmp(text, "localhost") == 0)
        return "127.0.0.1";
    if (brackets)
        text = arena_copy(options_arena(), text + 1, length - 2);
    if (length > ADDRESS_MAX || getaddrinfo(text, NULL, &hints, &found) != 0)
        return NULL;
    bool good = !brackets || found->ai_family == AF_INET6;
    freeaddrinfo(found);
    return good ? text : NULL;
}

bool listen_address_valid(const char *text)
{
    return listen_address_read(text) != NULL;
}

bool listen_address_any(const char *address)
{
    struct in_addr four;
    struct in6_addr six;
    return (inet_pton(AF_INET, address, &four) == 1 && four.s_addr == INADDR_ANY) ||
           (inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six));
}

void listen_address_url(char out[LISTEN_URL], const char *address, uint16_t port)
{
    bool six = strchr(address, ':') != NULL;
    if (listen_address_any(address))
        address = six ? "::1" : "127.0.0.1";
    snprintf(out, LISTEN_URL, six ? "http://[%s]:%u" : "http://%s:%u", address, port);
}
