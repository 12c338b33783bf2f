// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/event.h"
#include "src/records.h"

#include <cmocka.h> /* last: it has a macro fail() */

/* Of each type in turn, so that every size stands behind every other one. */
static void add(struct records *r, uint64_t n)
{
	union {
		struct nfp_event ev;
		struct nfp_message message;
		struct nfp_fib fib;
		struct nfp_skb skb;
	} rec;

	memset(&rec, (int)n & 0xff, sizeof(rec));
	rec.ev.type = (n / 3 + n) % NFP_RAW_TYPES;
	rec.ev.ktime = n;
	assert_int_equal(records_add(r, &rec.ev), 0);
}

static void take(struct records *r, uint64_t n)
{
	const struct nfp_event *ev = records_first(r);

	assert_non_null(ev);
	assert_int_equal((uintptr_t)ev % 8, 0);
	assert_int_equal(ev->ktime, n);
	assert_int_equal(ev->type, (n / 3 + n) % NFP_RAW_TYPES);
	if (ev->type == NFP_MESSAGE)
		assert_int_equal(((const struct nfp_message *)ev)->pad, n & 0xff);
	else if (ev->type == NFP_KFREE || ev->type == NFP_TRANSMIT)
		assert_int_equal(((const struct nfp_skb *)ev)->header[NFP_HEADER_LEN - 1],
				 n & 0xff);
	else
		assert_int_equal(((const struct nfp_fib *)ev)->proto, n & 0xff);
	records_drop_first(r);
}

/* They come faster than they are taken, so that room is made before, behind and by moving. */
static void test_in_order(void **state)
{
	struct records r = {0};
	uint64_t in = 0, out = 0;

	assert_null(records_first(&r));
	while (in < 20000) {
		for (int i = 0; i < 7; i++)
			add(&r, in++);
		for (int i = 0; i < 5; i++)
			take(&r, out++);
	}
	while (out < in)
		take(&r, out++);
	assert_null(records_first(&r));
	records_free(&r);
}

/* What is taken as it comes needs no more room, however much it is. */
static void test_room(void **state)
{
	struct records r = {0};
	size_t room;

	add(&r, 0);
	room = r.room;
	for (uint64_t n = 1; n < 100000; n++) {
		add(&r, n);
		take(&r, n - 1);
	}
	assert_int_equal(r.room, room);
	records_forget(&r);
	assert_null(records_first(&r));
	records_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
