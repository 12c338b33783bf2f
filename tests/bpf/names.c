// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * names ask|table: for each address on stdin (hexadecimal) a line: its name, by asking the kernel or
 * from /proc/kallsyms. "cost first|rest NANOSECONDS" at the end, of CPU time of this process. names reasons: the
 * drop reasons, "NUMBER NAME", and the cost.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/kernel_names.h"
#include "src/kernel_symbols.h"

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Of this program alone: getrusage() remembers who it was before exec. */
static long peak_rss(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void cost(const char *what, uint64_t ns)
{
	printf("cost %s %llu\ncost peak-rss-kib %ld\n", what, (unsigned long long)ns, peak_rss());
}

static int symbols(bool table)
{
	struct kernel_symbols *ks;
	uint64_t t, first = 0, rest = 0;
	char line[64], buf[256];

	t = now();
	ks = kernel_symbols_open(table);
	if (!ks)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		kernel_symbols_find(ks, strtoull(line, NULL, 16), buf, sizeof(buf));
		if (!first)
			first = now() - t;
		puts(buf);
	}
	rest = now() - t - first;
	cost("first", first);
	cost("rest", rest);
	kernel_symbols_free(ks);
	return 0;
}

static int reasons(void)
{
	struct kernel_names *kn = kernel_names_open();
	uint64_t t = now();

	if (!kn)
		return 1;
	for (uint32_t i = 0; i < 4096; i++)
		if (kernel_drop_reason(kn, i))
			printf("%u %s\n", i, kernel_drop_reason(kn, i));
	cost("reasons", now() - t);
	kernel_names_free(kn);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "reasons"))
		return reasons();
	if (argc != 2 || (strcmp(argv[1], "ask") && strcmp(argv[1], "table")))
		return 2;
	return symbols(!strcmp(argv[1], "table"));
}
