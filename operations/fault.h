/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - what is wrong with a request, one entry a fault, all faults at once.
 *
 * A fault becomes one member of `errors` in a problem answer (RFC 9457). The pointer is a JSON
 * Pointer (RFC 6901) into the body, or "?name" for a query parameter, or the name of a header. */
#ifndef ONRAMP_OPERATIONS_FAULT_H
#define ONRAMP_OPERATIONS_FAULT_H

#include <stddef.h>

struct arena;

struct fault {
    const char *pointer; /* "/sku/tier" */
    const char *code;    /* "required", "unknown_member", "wrong_type", "out_of_range", ... */
    const char *detail;  /* a sentence that says what is expected */
};

/* At most this many are reported; a hostile body cannot make the answer longer. */
#define FAULTS_MAX 32

struct faults {
    struct arena *arena; /* owns the texts */
    size_t count;        /* may exceed FAULTS_MAX: all are counted, the first ones kept */
    struct fault items[FAULTS_MAX];
};

/* Record a fault. The pointer and the detail are copied into the arena. */
void fault_add(struct faults *faults, const char *pointer, const char *code, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

#endif
