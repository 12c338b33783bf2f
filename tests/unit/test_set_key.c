// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys of sets as nft writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netfilter/set_key.h"

enum { IPADDR = 7, IP6ADDR = 8, PROTO = 12, SERVICE = 13, CT_STATE = 26, IFNAME = 41, UNKNOWN = 60 };

static const char *print(uint32_t type, const uint8_t *key, size_t len)
{
	static char text[SET_KEY_TEXT];

	return set_key_print(text, type, key, len);
}

static void one_part(void **state)
{
	static const uint8_t ip[] = {10, 96, 0, 1}, port[] = {0x1f, 0x90}, ct[] = {8, 0, 0, 0};
	static const uint8_t ip6[16] = {0xfd, [15] = 1}, name[16] = "eth0";

	assert_string_equal(print(IPADDR, ip, sizeof(ip)), "10.96.0.1");
	assert_string_equal(print(IP6ADDR, ip6, sizeof(ip6)), "fd00::1");
	assert_string_equal(print(SERVICE, port, sizeof(port)), "8080");
	assert_string_equal(print(CT_STATE, ct, sizeof(ct)), "new");
	assert_string_equal(print(IFNAME, name, sizeof(name)), "\"eth0\"");
}

/* Each part begins in a register of its own. */
static void parts_are_joined(void **state)
{
	static const uint8_t key[] = {10, 96, 0, 1, 6, 0, 0, 0, 0, 80, 0, 0};

	assert_string_equal(print(IPADDR << 12 | PROTO << 6 | SERVICE, key, sizeof(key)),
			    "10.96.0.1 . tcp . 80");
}

static void what_is_not_known_is_hexadecimal(void **state)
{
	static const uint8_t key[] = {10, 96, 0, 1, 0xab, 0xcd, 0, 0};

	assert_string_equal(print(UNKNOWN, key, 4), "0x0a600001");
	assert_string_equal(print(0, key, 2), "0x0a60");
	assert_string_equal(print(IPADDR << 6 | UNKNOWN, key, sizeof(key)), "10.96.0.1 . 0xabcd0000");
}

static void a_short_key_is_not_read_past_its_end(void **state)
{
	static const uint8_t key[] = {10, 96};

	assert_string_equal(print(IPADDR, key, sizeof(key)), "0x0a60");
	assert_string_equal(print(IPADDR << 6 | SERVICE, key, 0), "0x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_part),
		cmocka_unit_test(parts_are_joined),
		cmocka_unit_test(what_is_not_known_is_hexadecimal),
		cmocka_unit_test(a_short_key_is_not_read_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
