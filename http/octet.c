/* SPDX-License-Identifier: Apache-2.0 */
#include "http/octet.h"

#define BIT(c)        ((uint64_t)1 << ((c) % 64))
#define RANGE(c, end) ((BIT(end) - BIT(c)) | BIT(end))

const struct octet_set octet_token = {
    {BIT('!') | RANGE('#', '\'') | BIT('*') | BIT('+') | BIT('-') | BIT('.') | RANGE('0', '9'),
     RANGE('A', 'Z') | RANGE('^', 'z') | BIT('|') | BIT('~')}};

const struct octet_set octet_target = {
    {BIT('!') | RANGE('$', ';') | BIT('=') | BIT('?'),
     RANGE('@', 'Z') | BIT('[') | BIT(']') | BIT('_') | RANGE('a', 'z') | BIT('~')}};
