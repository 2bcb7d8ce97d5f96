/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the file of settings.
 *
 * A line is `name = value`; blanks around both are not part of them. Empty lines, and those that
 * begin with #, say nothing. */
#ifndef ONRAMP_CLI_CONFIG_H
#define ONRAMP_CLI_CONFIG_H

#include <stdbool.h>

/* What to do with one line: where is "FILE:LINE", for what is to be said about it. False ends the
 * reading, and is what config_read returns. All three texts are kept for good. */
typedef bool config_line(void *context, const char *where, const char *name, const char *value);

/* Read the file. False after complaining: it cannot be read, it is longer than 64 KiB, or a line is
 * none of the above. */
bool config_read(const char *path, config_line *line, void *context);

#endif
