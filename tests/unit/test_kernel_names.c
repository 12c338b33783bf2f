// SPDX-License-Identifier: GPL-2.0-or-later
/* Names for the running kernel's numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "src/kernel_names.h"

#include <cmocka.h>

static const struct btf_enum *enumerators(const struct btf *btf, const char *name, uint32_t *n)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	*n = t ? btf_vlen(t) : 0;
	return t ? btf_enum(t) : NULL;
}

static struct btf *kernel_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf) {
		print_message("# note the kernel has no BTF that can be read\n");
		skip();
	}
	return btf;
}

/* libbpf's reading of the same types is the witness. */
static void test_every_reason_of_this_kernel_has_its_name(void **state)
{
	static const char prefix[] = "SKB_DROP_REASON_";
	struct btf *btf = kernel_btf();
	struct kernel_names *kn = kernel_names_open();
	const struct btf_enum *e;
	uint32_t n, seen = 0;

	assert_non_null(kn);
	e = enumerators(btf, "skb_drop_reason", &n);
	for (uint32_t i = 0; i < n; i++) {
		const char *name = btf__name_by_offset(btf, e[i].name_off);

		if ((uint32_t)e[i].val >= 0x10000 || strncmp(name, prefix, strlen(prefix)))
			continue;
		assert_string_equal(kernel_drop_reason(kn, (uint32_t)e[i].val), name + strlen(prefix));
		seen++;
	}
	print_message("# note %u drop reasons\n", seen);
	assert_null(kernel_drop_reason(kn, 0xfffe));
	kernel_names_free(kn);
	btf__free(btf);
}

static void test_reasons_of_subsystems(void **state)
{
	struct btf *btf = kernel_btf();
	struct kernel_names *kn = kernel_names_open();
	const struct btf_enum *e;
	char want[128];
	uint32_t n;

	assert_non_null(kn);
	e = enumerators(btf, "skb_drop_reason_subsys", &n);
	for (uint32_t i = 0; i < n; i++) {
		const char *name = btf__name_by_offset(btf, e[i].name_off);

		if (!e[i].val)
			continue;
		snprintf(want, sizeof(want), "%s_7", name + strlen("SKB_DROP_REASON_SUBSYS_"));
		assert_string_equal(kernel_drop_reason(kn, (uint32_t)e[i].val << 16 | 7), want);
	}
	assert_null(kernel_drop_reason(kn, 0xff0001));
	kernel_names_free(kn);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_reason_of_this_kernel_has_its_name),
		cmocka_unit_test(test_reasons_of_subsystems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
