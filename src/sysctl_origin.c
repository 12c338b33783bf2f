// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/sysctl_origin.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const usual[] = {"/etc/sysctl.d",	 "/run/sysctl.d", "/usr/local/lib/sysctl.d",
				    "/usr/lib/sysctl.d", "/lib/sysctl.d", NULL};

/* "-net/ipv4/conf/all/rp_filter = 2": the key as it is with dots, and the value. */
static bool parse(char *line, char *key, size_t size, int *value)
{
	char *equals = strchr(line, '='), *end;
	size_t n = 0;

	line += strspn(line, " \t-");
	if (!equals || *line == '#' || *line == ';')
		return false;
	for (; line < equals && *line != ' ' && *line != '\t' && n + 1 < size; line++)
		key[n++] = *line == '/' ? '.' : *line;
	key[n] = '\0';
	*value = strtol(equals + 1, &end, 10);
	return end != equals + 1;
}

static void search(const char *path, const char *key, int value, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[512], found[256];
	unsigned int n = 0;
	int set;

	while (f && fgets(line, sizeof(line), f)) {
		n++;
		if (parse(line, found, sizeof(found), &set) && set == value &&
		    !fnmatch(found, key, 0))
			snprintf(buf, size, "%s:%u", path, n);
	}
	if (f)
		fclose(f);
}

static bool hidden(const char *const *dirs, size_t i, const char *name)
{
	char path[SYSCTL_ORIGIN_MAX];

	for (size_t before = 0; before < i; before++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[before], name);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

static int is_conf(const struct dirent *d)
{
	return !fnmatch("*.conf", d->d_name, 0);
}

void sysctl_origin(const char *key, int value, const char *const *dirs, char *buf, size_t size)
{
	char path[SYSCTL_ORIGIN_MAX];

	buf[0] = '\0';
	if (!dirs)
		dirs = usual;
	/* Files are read in the order of their names, wherever they lie; the last one wins, and
	 * among directories an exact order only matters for files that set the same value. */
	for (size_t i = 0; dirs[i]; i++) {
		struct dirent **names;
		int n = scandir(dirs[i], &names, is_conf, alphasort);

		for (int k = 0; k < n; k++) {
			snprintf(path, sizeof(path), "%s/%s", dirs[i], names[k]->d_name);
			if (!hidden(dirs, i, names[k]->d_name))
				search(path, key, value, buf, size);
			free(names[k]);
		}
		if (n >= 0)
			free(names);
	}
	if (dirs == usual)
		search("/etc/sysctl.conf", key, value, buf, size);
}
