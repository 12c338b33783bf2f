/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs of the benchmark share. */
#ifndef NFPATH_BENCH_H
#define NFPATH_BENCH_H

#include <stdio.h>
#include <sys/resource.h>

/* User and system time of this process, in seconds. */
static inline double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Largest resident size so far, in KiB; 0: not known. Not ru_maxrss, which an exec takes over from
 * the program before it. */
static inline long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

#endif
