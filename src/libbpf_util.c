// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/libbpf_util.h"

#include <stdarg.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

void libbpf_be_silent(void)
{
	libbpf_set_print(silent);
}

uint64_t libbpf_missed_runs(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_program__fd(prog);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.recursion_misses;
}
