/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - answers written from rows, by the members of the operation.
 *
 * JSON is written straight from the columns, the same way for one row and for many. */
#ifndef ONRAMP_API_ANSWER_H
#define ONRAMP_API_ANSWER_H

#include <stddef.h>

struct call;
struct request;
struct rows;
struct text;

/* Add one row as a JSON object. */
void row_write(struct text *text, const struct call *call, const struct rows *rows, int row);

/* Give the request its answer: these bytes (copied) under that status and content type, with the
 * headers that every answer has. The request is then PHASE_ANSWERED. */
void answer_bytes(struct request *request, int status, const char *type, const char *bytes,
                  size_t length);

/* The same for bytes that live as long as the process. */
void answer_static(struct request *request, int status, const char *type, const void *bytes,
                   size_t length);

/* Add a header to an answer that is not yet on its way. */
void answer_header(struct request *request, const char *name, const char *value);

/* Answer with what the operation returned: the resource, the page, nothing, or its refusal. */
void answer_rows(struct request *request, const struct rows *rows);

#endif
