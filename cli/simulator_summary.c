/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/simulator_summary.h"

#include "cli/command.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE = 512, WIDTH_UNKNOWN = 80 };

static bool shown;

struct part {
    uint64_t number;
    const char *words;
    bool always; /* also when it is none */
};

/* "3 of these, 1 of those"; what there is none of is left out. */
static const char *join(char out[LINE], const struct part *parts, size_t count)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && length < LINE; i++)
        if (parts[i].always || parts[i].number > 0)
            length +=
                (size_t)snprintf(out + length, LINE - length, "%s%llu %s", length > 0 ? ", " : "",
                                 (unsigned long long)parts[i].number, parts[i].words);
    return out;
}

#define JOIN(out, parts) join(out, parts, sizeof(parts) / sizeof *(parts))

void summary_hide(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}

void summary_show(const struct simulator_tally *tally)
{
    char line[LINE];
    struct winsize size = {0};
    const struct desk_counts *counts = &tally->counts;
    const struct part parts[] = {
        {tally->handed_in, "keys", true},
        {counts->quoted, "quoted", true},
        {tally->provisioning, "Provisioning", true},
        {tally->provisioned, "Provisioned", true},
        {tally->rejected, "rejected", false},
        {tally->silent, "silent", false},
        {tally->deprovisioning, "Deprovisioning", false},
        {tally->torn_down, "deprovisioned", false},
        {counts->duplicates, "duplicates", false},
        {counts->stale, "stale", false},
        {counts->refused, "refused", false},
        {counts->forged, "wrong signatures", false},
        {counts->off_clock, "wrong clocks", false},
        {counts->retries, "retries", false},
        {tally->failed, "failed", false},
    };
    if (isatty(STDERR_FILENO) == 0)
        return;
    size_t width = WIDTH_UNKNOWN;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        width = size.ws_col;
    JOIN(line, parts);
    /* A line that wraps is not written over. */
    if (strlen(line) >= width)
        line[width - 1] = '\0';
    fprintf(stderr, "\r\033[K%s", line);
    shown = true;
}

void summary_print(const struct simulator_tally *tally)
{
    char line[LINE];
    const struct desk_counts *counts = &tally->counts;
    const struct part keys[] = {
        {tally->handed_in, "handed in", true},  {tally->repeated, "repeated", false},
        {tally->malformed, "malformed", false}, {tally->unknown, "unknown to the server", false},
        {tally->adopted, "heard of", false},
    };
    const struct part circuits[] = {
        {tally->provisioned, "Provisioned", true},
        {tally->not_provisioned, "NotProvisioned", false},
        {tally->provisioning, "Provisioning", false},
        {tally->deprovisioning, "Deprovisioning", false},
    };
    const struct part stories[] = {
        {tally->rejected, "rejected", false},      {tally->torn_down, "deprovisioned", false},
        {tally->silent, "left in silence", false}, {tally->stalled, "stalled", false},
        {tally->failed, "failed", false},
    };
    const struct part answers[] = {
        {counts->applied, "applied", true},
        {counts->already, "already so", false},
        {counts->duplicates, "duplicate", false},
        {counts->stale, "stale", false},
        {counts->refused, "refused (409)", false},
        {counts->forged, "with a wrong signature (401)", false},
        {counts->off_clock, "with a wrong clock (401)", false},
        {counts->ahead, "from the future (422)", false},
        {counts->retries, "tried again", false},
    };
    unsigned long long outstanding = tally->outstanding;
    unsigned long long otherwise = tally->off_plan + tally->malformed;
    progress("keys", "%s", JOIN(line, keys));
    progress("circuits", "%s", JOIN(line, circuits));
    if (JOIN(line, stories)[0] != '\0')
        progress("of these", "%s", line);
    progress("callbacks", "%s", JOIN(line, answers));
    if (simulator_as_planned(tally))
        progress("verdict", "as planned");
    else
        progress("verdict", "not as planned: %llu outstanding, %llu came out otherwise",
                 outstanding, otherwise);
}
