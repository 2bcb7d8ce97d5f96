/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/fault.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fault_add(struct faults *faults, const char *pointer, const char *code, const char *format,
               ...)
{
    if (faults->count < FAULTS_MAX) {
        char detail[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(detail, sizeof detail, format, arguments);
        va_end(arguments);
        faults->items[faults->count] = (struct fault){
            .pointer = arena_copy(faults->arena, pointer, strlen(pointer)),
            .code = code,
            .detail = arena_copy(faults->arena, detail, strlen(detail)),
        };
    }
    faults->count++;
}
