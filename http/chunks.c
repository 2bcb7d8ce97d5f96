/* SPDX-License-Identifier: Apache-2.0 */
#include "http/chunks.h"

#include "http/octet.h"

/* What the next octet has to be. */
enum state {
    SIZE,         /* a digit of the size, or what may stand behind it */
    BEFORE_NAME,  /* of an extension: blanks, then its name */
    NAME,         /* more of it, or what may stand behind it */
    AFTER_NAME,   /* blanks were behind the name */
    BEFORE_VALUE, /* blanks, then a token or a quoted string */
    TOKEN,        /* more of it */
    QUOTED,       /* what stands in quotes */
    ESCAPED,      /* behind a backslash in it */
    AFTER_VALUE,  /* what may stand behind a whole extension */
    BEFORE_NEXT,  /* blanks were there: only another extension may follow */
    SIZE_LF,      /* the end of the line with the size */
    DATA,         /* of the body */
    DATA_CR,      /* the end of the chunk */
    DATA_LF,
    TRAILER,       /* the first octet of a trailer, or of the last line */
    TRAILER_NAME,  /* more of its name */
    TRAILER_VALUE, /* its value */
    TRAILER_LF,
    LAST_LF,
    DONE
};

enum { BAD = -1 };

/* Behind an extension or the size. */
static int line_goes_on(char c, int blank)
{
    if (c == ';')
        return BEFORE_NAME;
    if (c == '\r')
        return SIZE_LF;
    return octet_is_blank(c) ? blank : BAD;
}

static int size_step(struct chunks *chunks, char c)
{
    int digit = octet_hex(c);
    if (digit < 0)
        return chunks->sized ? line_goes_on(c, BEFORE_NEXT) : BAD;
    if (chunks->left >> 60)
        return BAD; /* beyond 64 bits */
    chunks->sized = true;
    chunks->left = chunks->left << 4 | (uint64_t)digit;
    return SIZE;
}

static int name_step(int state, char c)
{
    if (state != AFTER_NAME && octet_in(&octet_token, c))
        return NAME;
    if (state == BEFORE_NAME)
        return octet_is_blank(c) ? BEFORE_NAME : BAD;
    if (c == '=')
        return BEFORE_VALUE;
    /* Blanks may lead to a value or to another extension, not to the end of the line. */
    if (state == AFTER_NAME && c == '\r')
        return BAD;
    return line_goes_on(c, AFTER_NAME);
}

/* RFC 9110 section 5.6.4: what a backslash may stand before is what a value may hold. */
static int value_step(int state, char c)
{
    switch (state) {
    case BEFORE_VALUE:
        if (c == '"')
            return QUOTED;
        if (octet_is_blank(c))
            return BEFORE_VALUE;
        return octet_in(&octet_token, c) ? TOKEN : BAD;
    case TOKEN:
        return octet_in(&octet_token, c) ? TOKEN : line_goes_on(c, BEFORE_NEXT);
    case QUOTED:
        if (c == '"')
            return AFTER_VALUE;
        if (c == '\\')
            return ESCAPED;
        return octet_in_value(c) ? QUOTED : BAD;
    case ESCAPED:
        return octet_in_value(c) ? QUOTED : BAD;
    case AFTER_VALUE:
        return line_goes_on(c, BEFORE_NEXT);
    default: /* BEFORE_NEXT */
        if (c == ';')
            return BEFORE_NAME;
        return octet_is_blank(c) ? BEFORE_NEXT : BAD;
    }
}

static int trailer_step(int state, char c)
{
    switch (state) {
    case TRAILER:
        if (c == '\r')
            return LAST_LF;
        return octet_in(&octet_token, c) ? TRAILER_NAME : BAD;
    case TRAILER_NAME:
        if (c == ':')
            return TRAILER_VALUE;
        return octet_in(&octet_token, c) ? TRAILER_NAME : BAD;
    case TRAILER_VALUE:
        if (c == '\r')
            return TRAILER_LF;
        return octet_in_value(c) ? TRAILER_VALUE : BAD;
    case TRAILER_LF:
        return c == '\n' ? TRAILER : BAD;
    default: /* LAST_LF */
        return c == '\n' ? DONE : BAD;
    }
}

static int step(struct chunks *chunks, char c)
{
    switch (chunks->state) {
    case SIZE:
        return size_step(chunks, c);
    case BEFORE_NAME:
    case NAME:
    case AFTER_NAME:
        return name_step(chunks->state, c);
    case BEFORE_VALUE:
    case TOKEN:
    case QUOTED:
    case ESCAPED:
    case AFTER_VALUE:
    case BEFORE_NEXT:
        return value_step(chunks->state, c);
    case SIZE_LF:
        if (c != '\n')
            return BAD;
        chunks->line = 0;
        return chunks->left > 0 ? DATA : TRAILER;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        chunks->sized = false;
        return c == '\n' ? SIZE : BAD;
    default:
        return trailer_step(chunks->state, c);
    }
}

/* Count an octet that is no data. False when there are too many. */
static bool counted(struct chunks *chunks)
{
    bool extra = (chunks->state > SIZE && chunks->state < SIZE_LF) || chunks->state >= TRAILER;
    if (chunks->state < SIZE_LF && ++chunks->line > CHUNK_LINE_MAX)
        return false;
    return !extra || ++chunks->extras <= CHUNK_EXTRAS_MAX;
}

enum chunk_verdict chunks_read(struct chunks *chunks, const char *in, size_t size, size_t *used,
                               const char **data, size_t *data_length)
{
    *data = NULL;
    *data_length = 0;
    for (size_t i = 0; i < size; i++) {
        if (chunks->state == DATA) {
            size_t length = chunks->left < size - i ? (size_t)chunks->left : size - i;
            *data = in + i;
            *data_length = length;
            chunks->left -= length;
            if (chunks->left == 0)
                chunks->state = DATA_CR;
            *used = i + length;
            return CHUNKS_DATA;
        }
        int next = step(chunks, in[i]);
        *used = i + 1;
        if (next == BAD)
            return CHUNKS_MALFORMED;
        chunks->state = next;
        if (next == DONE)
            return CHUNKS_DONE;
        if (!counted(chunks))
            return CHUNKS_TOO_LARGE;
    }
    *used = size;
    return CHUNKS_MORE;
}
