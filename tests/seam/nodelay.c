/* SPDX-License-Identifier: Apache-2.0 */
/* In place of libc's setsockopt, for libmicrohttpd: it sets options of TCP, and complains where
 * there is none, as between the unix sockets of these tests. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int domain = AF_UNSPEC;
    socklen_t size = sizeof domain;
    if (level == IPPROTO_TCP && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
        domain == AF_UNIX)
        return 0;
    return (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}
