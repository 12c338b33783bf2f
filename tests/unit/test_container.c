// SPDX-License-Identifier: GPL-2.0-or-later
/* Cgroups as the runtimes make them, and the files in which they keep names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/container.h"

#include <cmocka.h> /* last: it has a macro fail() */

#define A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void test_cgroups(void **state)
{
	static const struct {
		const char *cgroup, *text;
	} rows[] = {
		{"0::/system.slice/docker-" A ".scope\n", "docker 0123456789ab"},
		{"0::/system.slice/docker-" A ".scope/init.scope\n", "docker 0123456789ab"},
		{"0::/docker/" A "\n", "docker 0123456789ab"},
		{"0::/docker/" B "/docker/" A "\n", "docker 0123456789ab"},
		{"12:cpu,cpuacct:/docker/" A "\n1:name=systemd:/docker/" A "\n", "docker 0123456789ab"},
		{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope/container\n",
		 "podman 0123456789ab"},
		{"0::/machine.slice/libpod-" A ".scope\n", "podman 0123456789ab"},
		{"0::/libpod_parent/libpod-" A "\n", "podman 0123456789ab"},
		{"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-" A ".scope\n",
		 "containerd 0123456789ab"},
		{"0::/system.slice/containerd.service/kubepods-besteffort-pod1_2.slice:cri-containerd:" A "\n",
		 "container 0123456789ab"},
		{"0::/system.slice/nerdctl-" A ".scope\n", "containerd 0123456789ab"},
		{"0::/kubepods.slice/kubepods-pod1_2.slice/crio-" A ".scope/container\n", "cri-o 0123456789ab"},
		{"0::/kubepods/burstable/pod7d8e-1/" A "\n", "container 0123456789ab"},
		/* As it is seen from within another container. */
		{"0::/../" A "\n", "container 0123456789ab"},
		{"0::/lxc.payload.web/system.slice/nginx.service\n", "lxc web"},
		{"3:cpuset:/lxc/web\n", "lxc web"},
		/* Those that run containers are in none, and neither is anybody else. */
		{"0::/machine.slice/libpod-conmon-" A ".scope\n", NULL},
		{"0::/kubepods.slice/crio-conmon-" A ".scope\n", NULL},
		{"0::/lxc.monitor.web\n", NULL},
		{"0::/system.slice/docker.service\n", NULL},
		{"0::/docker/0123456789ab\n", NULL},
		{"0::/docker/" A "0\n", NULL},
		{"0::/docker-" A "\n", NULL},
		{"0::/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n", NULL},
		{"0::/\n", NULL},
		{"0::/user.slice/user-0.slice/session-1.scope", NULL},
		{"1:name=docker-" A ":/\n", NULL},
		{"", NULL},
		{"\n\n", NULL},
	};
	struct container c;
	char text[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = container_of_cgroup(rows[i].cgroup, &c);

		if (found != !!rows[i].text)
			print_error("%s", rows[i].cgroup);
		assert_int_equal(found, !!rows[i].text);
		if (!found)
			continue;
		container_text(&c, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void write_file(const char *root, const char *path, const char *text)
{
	char whole[512];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		mkdir(whole, 0700);
	}
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static const char *text_of(const char *cgroup, const char *root)
{
	static char text[300];
	struct container c;

	assert_true(container_of_cgroup(cgroup, &c));
	container_find_name(&c, root);
	container_text(&c, text, sizeof(text));
	return text;
}

static void test_names(void **state)
{
	char root[] = "/tmp/nfp-container-XXXXXX", command[64];

	assert_non_null(mkdtemp(root));
	assert_string_equal(text_of("0::/docker/" A "\n", root), "docker 0123456789ab");
	write_file(root, "/var/lib/docker/containers/" A "/config.v2.json", "{\"ID\": \"" A "\", \"Name\": \"/web\"}");
	assert_string_equal(text_of("0::/docker/" A "\n", root), "web (docker 0123456789ab)");
	write_file(root, "/var/lib/docker/containers/" A "/config.v2.json", "{\"ID\": \"" A "\", \"Name\":");
	assert_string_equal(text_of("0::/docker/" A "\n", root), "docker 0123456789ab");
	write_file(root, "/var/lib/containers/storage/overlay-containers/containers.json",
		   "[{\"id\": \"" B "\", \"names\": [\"other\"]}, {\"id\": 7}, {\"id\": \"" A "\", \"names\": [\"db\", \"x\"]}]");
	assert_string_equal(text_of("0::/machine.slice/libpod-" A ".scope\n", root), "db (podman 0123456789ab)");
	assert_string_equal(text_of("0::/kubepods.slice/crio-" B ".scope\n", root), "other (cri-o fedcba987654)");
	assert_string_equal(text_of("0::/lxc.payload.web\n", root), "lxc web");
	write_file(root, "/var/lib/containers/storage/overlay-containers/containers.json", "{}");
	assert_string_equal(text_of("0::/machine.slice/libpod-" A ".scope\n", root), "podman 0123456789ab");
	snprintf(command, sizeof(command), "rm -r '%s'", root);
	assert_int_equal(system(command), 0);
}

/* A name longer than there is room for: cut, and the id stays. */
static void test_a_long_name(void **state)
{
	struct container c = {.runtime = "docker", .id = A};
	char text[256];

	memset(c.name, 'x', sizeof(c.name) - 1);
	container_text(&c, text, sizeof(text));
	assert_non_null(strstr(text, "x (docker 0123456789ab)"));
	assert_true(strlen(text) < sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_a_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
