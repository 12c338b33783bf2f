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

/* The last line that is for a key. */
struct origin {
	char place[SYSCTL_ORIGIN_MAX];
	int value;
	bool found, leaves_alone; /* "-KEY" without a value: patterns are not for this key */
};

struct search {
	const char *key;
	/* One that names the key goes before all that are patterns, wherever they stand:
	 * sysctl.d(5). */
	struct origin named, pattern;
};

/* "-net/ipv4/conf/all/rp_filter = 2": the key as it is with dots, and the value. */
static bool parse(char *line, char *key, size_t size, struct origin *o)
{
	char *equals = strchr(line, '='), *end;
	size_t n = 0;

	line += strspn(line, " \t");
	o->leaves_alone = !equals && *line == '-';
	line += strspn(line, "-");
	if ((!equals && !o->leaves_alone) || *line == '#' || *line == ';')
		return false;
	for (; line != equals && !strchr(" \t\n", *line) && n + 1 < size; line++)
		key[n++] = *line == '/' ? '.' : *line;
	key[n] = '\0';
	if (o->leaves_alone)
		return true;
	o->value = strtol(equals + 1, &end, 10);
	return end != equals + 1;
}

static void look_through(struct search *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512], key[256];
	unsigned int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		struct origin o = {.found = true};

		n++;
		if (!parse(line, key, sizeof(key), &o))
			continue;
		snprintf(o.place, sizeof(o.place), "%s:%u", path, n);
		if (!strcmp(key, s->key))
			s->named = o;
		else if (!o.leaves_alone && !fnmatch(key, s->key, 0))
			s->pattern = o;
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

struct file {
	char path[SYSCTL_ORIGIN_MAX];
};

static int by_name(const void *a, const void *b)
{
	const struct file *f = a, *g = b;

	return strcmp(strrchr(f->path, '/'), strrchr(g->path, '/'));
}

static void add_files(const char *const *dirs, size_t i, struct file **files, size_t *n)
{
	struct dirent **names;
	int found = scandir(dirs[i], &names, is_conf, NULL);
	struct file *more = found > 0 ? reallocarray(*files, *n + found, sizeof(*more)) : NULL;

	if (more)
		*files = more;
	for (int k = 0; k < found; k++) {
		if (more && !hidden(dirs, i, names[k]->d_name))
			snprintf(more[(*n)++].path, sizeof(more->path), "%s/%s", dirs[i],
				 names[k]->d_name);
		free(names[k]);
	}
	if (found >= 0)
		free(names);
}

void sysctl_origin(const char *key, int value, const char *const *dirs, char *buf, size_t size)
{
	struct search s = {.key = key};
	struct file *files = NULL;
	const struct origin *o;
	size_t n = 0;

	if (!dirs)
		dirs = usual;
	for (size_t i = 0; dirs[i]; i++)
		add_files(dirs, i, &files, &n);
	/* In the order of their names, in whatever directory they lie. */
	if (files)
		qsort(files, n, sizeof(*files), by_name);
	for (size_t i = 0; i < n; i++)
		look_through(&s, files[i].path);
	if (dirs == usual)
		look_through(&s, "/etc/sysctl.conf");
	free(files);
	o = s.named.found ? &s.named : &s.pattern;
	*buf = '\0';
	/* Another value: somebody has set it since. */
	if (o->found && !o->leaves_alone && o->value == value)
		snprintf(buf, size, "%s", o->place);
}
