/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
/* Which sees who runs past the end of a block, but not of a page. */

void *pages_new(size_t size)
{
    void *buffer = calloc(1, size);
    if (!buffer)
        abort();
    return buffer;
}

void *pages_resize(void *buffer, size_t size, size_t wanted)
{
    void *moved = realloc(buffer, wanted);
    (void)size;
    if (!moved)
        abort();
    return moved;
}

void pages_free(void *buffer, size_t size)
{
    (void)size;
    free(buffer);
}

#else

void *pages_new(size_t size)
{
    void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED)
        abort();
    return buffer;
}

void *pages_resize(void *buffer, size_t size, size_t wanted)
{
    void *moved = mremap(buffer, size, wanted, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        abort();
    return moved;
}

void pages_free(void *buffer, size_t size)
{
    if (buffer)
        munmap(buffer, size);
}

#endif
