/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - how much memory there is for us, and how much of it PostgreSQL is to take.
 *
 * Of all that bounds a process the least counts: the machine's memory, what its control groups and
 * those above them allow (cgroups(7); memory.max and memory.high of version 2,
 * memory.limit_in_bytes of version 1), its address space, and what the kernel promises in all where
 * it promises no more than it has (vm.overcommit_memory = 2, as PostgreSQL's documentation
 * advises). */
#ifndef ONRAMP_DB_EMBEDDED_MEMORY_H
#define ONRAMP_DB_EMBEDDED_MEMORY_H

/* Octets; 1 GB when nothing says. proc is where /proc is, cgroups where /sys/fs/cgroup is. What
 * can't be read or is no number ("max", "unlimited") bounds nothing. From within a container the
 * groups above its own are not to be seen, except for what version 1 sums up. */
unsigned long long memory_size(const char *proc, const char *cgroups);

/* PostgreSQL's shared_buffers and effective_cache_size (what of the database it may expect to be in
 * memory, its own buffers and the kernel's together) where there are so many octets; in MB. */
int memory_buffers(unsigned long long memory);
int memory_cache(unsigned long long memory);

#endif
