// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which line of a file does not load. iptables-nft-restore sends a table to the kernel as a whole,
 * and what the kernel refuses it lays on the line COMMIT. So the table is loaded up to a line of it,
 * again and again, in the namespace that is thrown away: the first line with which it fails is the
 * one.
 */
#include "src/explain_load.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *line_at(const char *text, unsigned long number)
{
	for (; text && number > 1; number--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

static bool loads(char *const argv[], const char *begin, const char *end)
{
	FILE *in = tmpfile(), *said = tmpfile();
	bool good = false;

	if (in && said) {
		fwrite(begin, 1, end - begin, in);
		fputs("COMMIT\n", in);
		if (!fflush(in)) {
			lseek(fileno(in), 0, SEEK_SET);
			good = !explain_load_run(argv, fileno(in), said, said);
		}
	}
	if (in)
		fclose(in);
	if (said)
		fclose(said);
	return good;
}

unsigned long explain_load_line(char *const argv[], const char *part, unsigned long commit)
{
	const char *line = part, *table = NULL;
	unsigned long low = 0, high = commit - 1, middle;

	for (unsigned long i = 1; i < commit && line; i++, line = line_at(line, 2))
		if (*line == '*') {
			table = line;
			low = i + 1;
		}
	if (!table || !line || low > high || strncmp(line, "COMMIT", 6) != 0 ||
	    loads(argv, table, line))
		return commit;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (loads(argv, table, line_at(part, middle + 1)))
			low = middle + 1;
		else
			high = middle;
	}
	return high;
}
