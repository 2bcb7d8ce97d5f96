/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent.h - the header field traceparent of W3C Trace Context, Level 1: which trace a request
 * belongs to. */
#ifndef ONRAMP_API_TRACEPARENT_H
#define ONRAMP_API_TRACEPARENT_H

#include <stdbool.h>

enum {
    TRACE_ID_AT = 3, /* where the trace-id begins in the field */
    TRACE_ID_LENGTH = 32,
    TRACEPARENT_LENGTH = 55
};

/* Read a field into the form that is carried on: version 00, and of the flags the one that this
 * version knows (sampled). False: it is none, and to be ignored (section 3.2.2.5: what can't be
 * parsed has to be, and is no error of the request). A later version may have more behind the
 * flags, which is left out. */
bool traceparent_read(char out[TRACEPARENT_LENGTH + 1], const char *field);

#endif
