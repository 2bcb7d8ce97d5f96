/* SPDX-License-Identifier: Apache-2.0 */
/* pages.h - large buffers, in pages of their own: what is freed is the system's again at once.
 *
 * Out of memory ends the process, as with an arena. The sizes are octets. */
#ifndef ONRAMP_BASE_PAGES_H
#define ONRAMP_BASE_PAGES_H

#include <stddef.h>

/* A zeroed buffer; the caller frees it with pages_free, and says its size again. */
void *pages_new(size_t size) __attribute__((returns_nonnull));

/* The buffer with another size, perhaps elsewhere; what is in both is kept. */
void *pages_resize(void *buffer, size_t size, size_t wanted) __attribute__((returns_nonnull));

/* NULL: nothing. */
void pages_free(void *buffer, size_t size);

#endif
