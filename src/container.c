// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/container.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- cgroups --- */

enum what {
	AN_ID,	/* 64 hexadecimal digits */
	A_NAME, /* no id; the name that people gave it */
};

/*
 * How runtimes call the cgroup of a container, one component of its path. The first row that fits
 * holds. With systemd it is a scope, without it a directory, often below one of the runtime's own.
 */
static const struct pattern {
	const char *parent; /* the component before it; NULL: any */
	const char *before, *after;
	enum what what;
	const char *runtime;
} patterns[] = {
	{NULL, "docker-", ".scope", AN_ID, "docker"},
	{"docker", "", "", AN_ID, "docker"},
	{NULL, "libpod-", ".scope", AN_ID, "podman"},
	{NULL, "libpod-", "", AN_ID, "podman"},
	{NULL, "cri-containerd-", ".scope", AN_ID, "containerd"},
	{NULL, "nerdctl-", ".scope", AN_ID, "containerd"},
	{NULL, "crio-", ".scope", AN_ID, "cri-o"},
	{NULL, "crio-", "", AN_ID, "cri-o"},
	/* Pods, without systemd: /kubepods/burstable/podUID/ID. */
	{NULL, "", "", AN_ID, "container"},
	{NULL, "", ".scope", AN_ID, "container"},
	{NULL, "lxc.payload.", "", A_NAME, "lxc"},
	{"lxc", "", "", A_NAME, "lxc"},
};

struct part {
	const char *at;
	size_t len;
};

static bool is(const struct part *p, const char *s)
{
	return p->len == strlen(s) && !memcmp(p->at, s, p->len);
}

/* What stands in it between before and after. */
static bool middle(const struct part *p, const struct pattern *k, struct part *out)
{
	size_t before = strlen(k->before), after = strlen(k->after);

	if (p->len <= before + after || memcmp(p->at, k->before, before) != 0 ||
	    memcmp(p->at + p->len - after, k->after, after) != 0)
		return false;
	*out = (struct part){p->at + before, p->len - before - after};
	return k->what == A_NAME ||
	       (out->len == CONTAINER_ID && strspn(out->at, "0123456789abcdef") >= CONTAINER_ID);
}

static bool fits(const struct part *part, const struct part *parent, struct container *c)
{
	struct part m;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		const struct pattern *k = &patterns[i];

		if ((k->parent && !is(parent, k->parent)) || !middle(part, k, &m))
			continue;
		*c = (struct container){.runtime = k->runtime};
		if (k->what == AN_ID)
			memcpy(c->id, m.at, CONTAINER_ID);
		else
			snprintf(c->name, sizeof(c->name), "%.*s", (int)m.len, m.at);
		return true;
	}
	return false;
}

/* A container in a container: the inner one. What it makes below its own cgroup fits no row. */
static bool of_path(const char *path, const char *end, struct container *c)
{
	struct part parent = {path, 0}, part;
	bool found = false;

	while (path < end) {
		part = (struct part){path, strcspn(path, "/\n")};
		/* containerd without systemd, when it was told that there is one: SLICE:cri-containerd:ID */
		if (memrchr(part.at, ':', part.len)) {
			const char *colon = memrchr(part.at, ':', part.len);

			part = (struct part){colon + 1, part.len - (colon + 1 - part.at)};
		}
		found |= fits(&part, &parent, c);
		parent = part;
		path = part.at + part.len + 1;
	}
	return found;
}

bool container_of_cgroup(const char *text, struct container *c)
{
	const char *path, *end;

	/* NUMBER:CONTROLLERS:PATH; a name of version 1 has no slash in its second field. */
	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		path = memchr(text, '/', end - text);
		if (path && of_path(path + 1, end, c))
			return true;
	}
	return false;
}

/* --- names --- */

static json_t *load(const char *root, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return json_load_file(whole, 0, NULL);
}

/* Docker keeps what it knows of a container in a file. */
static bool docker_name(struct container *c, const char *root)
{
	char path[256];
	json_t *config;
	const char *s;

	snprintf(path, sizeof(path), "/var/lib/docker/containers/%s/config.v2.json", c->id);
	config = load(root, path);
	s = json_string_value(json_object_get(config, "Name"));
	if (s)
		snprintf(c->name, sizeof(c->name), "%s", *s == '/' ? s + 1 : s);
	json_decref(config);
	return *c->name;
}

/* containers/storage, which is Podman's and CRI-O's, keeps one for all of them. */
static bool storage_name(struct container *c, const char *root, const char *path)
{
	json_t *all = load(root, path), *one;
	size_t i;

	json_array_foreach(all, i, one)
	{
		const char *id = json_string_value(json_object_get(one, "id"));
		const char *s = json_string_value(json_array_get(json_object_get(one, "names"), 0));

		if (id && s && !strcmp(id, c->id)) {
			snprintf(c->name, sizeof(c->name), "%s", s);
			break;
		}
	}
	json_decref(all);
	return *c->name;
}

bool container_find_name(struct container *c, const char *root)
{
	static const char *const storages[] = {
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"/run/containers/storage/overlay-containers/volatile-containers.json",
		"/var/lib/containers/storage/vfs-containers/containers.json",
	};

	if (!*c->id)
		return *c->name;
	if (docker_name(c, root))
		return true;
	for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++)
		if (storage_name(c, root, storages[i]))
			return true;
	return false;
}

/* --- processes --- */

bool container_of_process(int proc_pid, struct container *c)
{
	char text[4096];
	int fd = openat(proc_pid, "cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	if (!container_of_cgroup(text, c))
		return false;
	container_find_name(c, "");
	return true;
}

void container_text(const struct container *c, char *text, size_t size)
{
	if (!*c->id)
		snprintf(text, size, "%s %s", c->runtime, c->name);
	else if (*c->name)
		snprintf(text, size, "%.200s (%s %.*s)", c->name, c->runtime, CONTAINER_ID_SHOWN, c->id);
	else
		snprintf(text, size, "%s %.*s", c->runtime, CONTAINER_ID_SHOWN, c->id);
}

bool container_of_netns(const char *pid, uint64_t inum, char *text, size_t size)
{
	struct container c;
	char path[64];
	struct stat st;
	bool found;
	int dir;

	snprintf(path, sizeof(path), "/proc/%.20s", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	/* The number may be another process by now; what is open is one and the same. */
	found = container_of_process(dir, &c) && !fstatat(dir, "ns/net", &st, 0) &&
		st.st_ino == inum;
	close(dir);
	if (found)
		container_text(&c, text, size);
	return found;
}
