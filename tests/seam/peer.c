/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"
#include "demand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, LOOPBACK = 0x7F000000 };

void peer_open(struct peer *peer, struct stage *stage)
{
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    *peer = (struct peer){.stage = stage, .fd = ends[0]};
    http_adopt(stage->http, ends[1]);
}

void peer_connect(struct peer *peer, struct stage *stage, unsigned from)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    *peer = (struct peer){.stage = stage, .tcp = true};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    here.sin_addr.s_addr = htonl(LOOPBACK | from);
    if (from)
        must(bind(peer->fd, (struct sockaddr *)&here, sizeof here) == 0);
    int on = 1; /* the pieces are to go out as they are */
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    must(connect(peer->fd, (struct sockaddr *)&stage->listening, sizeof stage->listening) == 0);
}

void peer_write(struct peer *peer, const char *octets, size_t length)
{
    int64_t until = stage_clock() + PATIENCE_MS;
    while (length > 0) {
        ssize_t sent = send(peer->fd, octets, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            peer->unheard = true;
            return;
        }
        if (sent < 0) {
            demand(stage_clock() < until, "what is written is not read");
            peer_read(peer);
            stage_turn(peer->stage);
            continue;
        }
        octets += sent;
        length -= (size_t)sent;
    }
}

void peer_say(struct peer *peer, const char *text)
{
    peer_write(peer, text, strlen(text));
}

void peer_read(struct peer *peer)
{
    enum { ROOM = 16384 };
    while (!peer->eof && !peer->broken) {
        if (peer->length + ROOM >= peer->capacity) {
            peer->capacity = peer->capacity * 2 + ROOM + 1;
            peer->octets = realloc(peer->octets, peer->capacity);
            must(peer->octets);
        }
        ssize_t got = recv(peer->fd, peer->octets + peer->length, ROOM, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        peer->eof = got == 0;
        peer->broken = got < 0;
        if (got > 0)
            peer->length += (size_t)got;
    }
}

void peer_hear(struct peer *peer)
{
    stage_settle(peer->stage);
    peer_read(peer);
}

void peer_await(struct peer *peer, size_t length)
{
    int64_t until = stage_clock() + PATIENCE_MS;
    peer_read(peer);
    while (peer->length < length && !peer->eof && !peer->broken) {
        demand(stage_clock() < until, "%zu octets in place of %zu", peer->length, length);
        stage_turn(peer->stage);
        peer_read(peer);
    }
}

void peer_await_end(struct peer *peer)
{
    peer_await(peer, SIZE_MAX);
}

void peer_forget(struct peer *peer)
{
    peer->length = 0;
}

void peer_end(struct peer *peer)
{
    shutdown(peer->fd, SHUT_WR);
}

void peer_close(struct peer *peer, bool reset)
{
    struct linger linger = {.l_onoff = 1};
    if (peer->fd < 0)
        return;
    if (reset && peer->tcp)
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(peer->fd);
    peer->fd = -1;
    free(peer->octets);
    peer->octets = NULL;
    peer->length = peer->capacity = 0;
}

const char *peer_text(struct peer *peer)
{
    if (!peer->octets)
        return "";
    peer->octets[peer->length] = '\0';
    return peer->octets;
}
