// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * floor OBJECT PROGRAM…: attaches these programs of a BPF object (tests/bench/floor.bpf.c) and no
 * others, prints "ready" and waits for a signal.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

static bool named(const char *name, char **argv)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct bpf_object *o = argc > 2 ? bpf_object__open(argv[1]) : NULL;
	struct bpf_program *p;
	int n = 0;

	if (!o) {
		fprintf(stderr, "floor OBJECT PROGRAM…: %s\n", strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, named(bpf_program__name(p), argv + 2));
	if (bpf_object__load(o)) {
		fprintf(stderr, "floor: %s cannot be loaded\n", argv[1]);
		return 1;
	}
	bpf_object__for_each_program(p, o) {
		if (!bpf_program__autoload(p))
			continue;
		if (!bpf_program__attach(p)) {
			fprintf(stderr, "floor: %s cannot be attached: %s\n", bpf_program__name(p),
				strerror(errno));
			return 1;
		}
		n++;
	}
	if (n != argc - 2) {
		fprintf(stderr, "floor: %d of %d programs are in %s\n", n, argc - 2, argv[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
