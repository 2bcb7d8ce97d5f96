/* SPDX-License-Identifier: Apache-2.0 */
/* alone.h - what a client hears that is alone with the server and says all at once. */
#ifndef ONRAMP_SEAM_ALONE_H
#define ONRAMP_SEAM_ALONE_H

#include "script.h"
#include "stage.h"

struct heard {
    char *octets; /* settled: see answers.h */
    size_t length;
    bool end; /* of the stream */
};

struct alone {
    struct heard heard;
    unsigned writes[IDS];
};

/* Say it; ends: the client half closes behind it. Fails when what is heard is not what the script
 * expects, or something else was done. */
void alone_say(struct alone *alone, struct stage *stage, const struct script *script, bool ends);
void alone_free(struct alone *alone);

#endif
