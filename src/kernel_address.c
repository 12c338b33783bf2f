// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/kernel_address.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* On the program's stack: the name, and below it the answer. */
enum { NAME_AT = -KERNEL_ADDRESS_NAME_MAX, ANSWER_AT = NAME_AT - 8 };

static int load(const char *name)
{
	static const char licence[] = "GPL";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	struct bpf_insn code[32], *at = code;
	uint64_t words[KERNEL_ADDRESS_NAME_MAX / 8] = {0};

	memcpy(words, name, strlen(name));
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1};
	for (int i = 0; i < KERNEL_ADDRESS_NAME_MAX / 8; i++) {
		*at++ = (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1,
					  .imm = (int32_t)words[i]};
		*at++ = (struct bpf_insn){.imm = (int32_t)(words[i] >> 32)};
		*at++ = (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10,
					  .src_reg = 1, .off = NAME_AT + 8 * i};
	}
	*at++ = (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = ANSWER_AT};
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10};
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = NAME_AT};
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2,
				  .imm = (int32_t)strlen(name) + 1};
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3};
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 10};
	*at++ = (struct bpf_insn){.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4,
				  .imm = ANSWER_AT};
	*at++ = (struct bpf_insn){.code = BPF_JMP | BPF_CALL,
				  .imm = BPF_FUNC_kallsyms_lookup_name};
	*at++ = (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 10,
				  .off = ANSWER_AT};
	*at++ = (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 1};
	*at++ = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "nfpath_address", licence, code, at - code,
			     &opts);
}

int kernel_address(const char *name, uint64_t *address)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = address, .ctx_size_in = sizeof(*address));
	int fd, rc;

	*address = 0;
	if (strlen(name) >= KERNEL_ADDRESS_NAME_MAX)
		return -ENAMETOOLONG;
	fd = load(name);
	if (fd < 0)
		return fd;
	rc = bpf_prog_test_run_opts(fd, &run);
	close(fd);
	if (rc)
		return rc < 0 ? rc : -errno;
	return (int)run.retval;
}
