/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h - why a request is refused. */
#ifndef ONRAMP_HTTP_REFUSAL_H
#define ONRAMP_HTTP_REFUSAL_H

struct refusal {
    const char *code;   /* stable, of the table of problems: "malformed_request" */
    const char *detail; /* a sentence, or NULL: that of the table. Both borrowed */
};

#endif
