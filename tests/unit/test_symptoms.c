// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of symptoms itself; that each row fits what it is about is tests/netns/test_diagnosis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "src/symptoms.h"

#include <cmocka.h> /* last: its fail() is a macro */

static void test_names(void **state)
{
	for (size_t i = 0; i < n_symptoms; i++) {
		assert_int_equal(strspn(symptoms[i].id, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(symptoms[i].id));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(symptoms[i].id, symptoms[k].id);
	}
}

static void test_conditions(void **state)
{
	for (size_t i = 0; i < n_symptoms; i++) {
		const struct symptom *s = &symptoms[i];

		assert_true(s->reason || s->refused || s->reject || s->is[0]);
		/* Routing has words of its own; all others say what went wrong and what to do. */
		assert_int_equal(!s->words, !!s->refused);
		assert_int_equal(!s->next, !s->words);
	}
}

/* Braces are pairs, around one word. */
static void test_templates(void **state)
{
	for (size_t i = 0; i < n_symptoms; i++) {
		const char *const texts[] = {symptoms[i].words, symptoms[i].next};

		for (size_t k = 0; k < 2; k++) {
			for (const char *at = texts[k]; at && (at = strpbrk(at, "{}")); at++) {
				size_t name = *at == '{' ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

				assert_int_equal(*at, '{');
				assert_true(name);
				at += name + 1;
				assert_int_equal(*at, '}');
			}
		}
	}
}

/* A value that does not exist, or is not known, leaves no half sentence. */
static void test_unknown_values(void **state)
{
	struct path *p = path_new();
	struct finding f = {.p = p, .family = 2, .has_ports = true, .dst = {{192, 0, 2, 1}, 80}};

	assert_non_null(p);
	assert_string_equal(symptom_words(&f, "at {dst}, port {port}."), "at 192.0.2.1:80, port 80.");
	assert_null(symptom_words(&f, "at {nothing}"));
	assert_null(symptom_words(&f, "by {listener}"));
	path_free(p);
}

static struct step rule(uint8_t family, const char *action, const char *text)
{
	struct step s = {.type = STEP_RULE, .family = family};

	s.rule.action = action;
	s.rule.text = text;
	return s;
}

static void test_reject(void **state)
{
	enum { IP4 = 2, IP6 = 10, INET = 1 };
	static const struct {
		uint8_t table, packet;
		const char *action, *text, *kind;
	} cases[] = {
		{INET, IP4, "reject", "udp dport 1 reject", "port"},
		{INET, IP4, "reject", "udp dport 1 reject with icmp admin-prohibited", "host"},
		{INET, IP6, "reject", "udp dport 1 reject with icmpx admin-prohibited", "denied"},
		{INET, IP4, "reject", "reject with icmp type net-unreachable", "net"},
		{INET, IP4, "reject", "tcp dport 1 reject with tcp reset comment \"host-prohibited\"", "reset"},
		{INET, IP4, "reject", "log prefix \"reject with tcp reset\" reject with icmp host-prohibited", "host"},
		{IP4, IP4, "REJECT", "-A I -p udp -j REJECT --reject-with icmp-port-unreachable", "port"},
		{IP4, IP4, "REJECT", "-A I -j REJECT --reject-with icmp-host-prohibited", "host"},
		{IP4, IP4, "REJECT", "-A I -j REJECT --reject-with icmp-proto-unreachable", "protocol"},
		{IP6, IP6, "REJECT", "-A I -j REJECT --reject-with icmp6-adm-prohibited", "denied"},
		{IP6, IP6, "REJECT", "-A I -j REJECT --reject-with icmp6-no-route", "net"},
		{IP4, IP4, "drop", "drop comment \"reject with tcp reset\"", NULL},
		{IP4, IP4, "reject", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct step s = rule(cases[i].table, cases[i].action, cases[i].text);
		const char *kind = symptom_reject(&s, cases[i].packet);

		if (cases[i].kind)
			assert_string_equal(kind, cases[i].kind);
		else
			assert_null(kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_unknown_values),
		cmocka_unit_test(test_reject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
