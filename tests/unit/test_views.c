// SPDX-License-Identifier: GPL-2.0-or-later
/* Views that are opened in the course of a trace, of namespaces that come and go. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/clock.h"
#include "src/views.h"

#include <cmocka.h> /* last: it has a macro fail() */

/* A process in a namespace of its own. */
struct guest {
	pid_t pid;
	int end; /* closed, it ends */
	uint32_t inum;
};

static uint64_t own_inum(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

static struct guest guest_start(void)
{
	struct guest g;
	uint64_t inum = 0;
	int ready[2], end[2];
	char c;

	assert_int_equal(pipe(ready) | pipe(end), 0);
	g.pid = fork();
	if (!g.pid) {
		inum = unshare(CLONE_NEWNET) ? 0 : own_inum();
		close(end[1]);
		if (write(ready[1], &inum, sizeof(inum)) < 0 || read(end[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(end[0]);
	assert_int_equal(read(ready[0], &inum, sizeof(inum)), sizeof(inum));
	close(ready[0]);
	close(ready[1]);
	assert_true(inum);
	g.inum = inum;
	g.end = end[1];
	return g;
}

static void guest_end(struct guest *g)
{
	close(g->end);
	assert_int_equal(waitpid(g->pid, NULL, 0), g->pid);
}

static void test_found_when_it_is_asked_for(void **state)
{
	struct views *v = views_open(NULL, NULL);
	const struct view *all = views_all(v);
	struct guest one = guest_start(), two = guest_start();
	struct rules_answer a;
	uint64_t before = clock_ns();
	struct error err;

	assert_int_equal(*views_n(v), 0);
	assert_int_equal(views_find(v, one.inum), 0);
	assert_int_equal(views_find(v, two.inum), 1);
	assert_int_equal(views_find(v, one.inum), 0);
	assert_int_equal(*views_n(v), 2);
	assert_ptr_equal(views_all(v), all);
	assert_true(all[0].ns->inum == one.inum && all[1].ns->inum == two.inum);

	/* Of a packet that was there before nothing is certain; of a later one all is. */
	rules_at(all[0].rules, before, before, false, &a);
	assert_false(a.complete);
	assert_string_equal(a.because, "its ruleset was read only after the packet");
	before = clock_ns();
	assert_int_equal(rules_sync(all[0].rules, false, &err), 0);
	rules_at(all[0].rules, before, before, false, &a);
	assert_true(a.complete);
	assert_null(a.because);

	/* Nobody else has the namespaces then. The younger one holds the pipe of the older. */
	guest_end(&two);
	guest_end(&one);
	assert_int_equal(rules_sync(all[0].rules, true, &err), 0);
	assert_int_equal(views_find(v, one.inum), 0);
	views_close(v);
}

static void test_not_found(void **state)
{
	struct views *v = views_open(NULL, NULL);
	struct guest g = guest_start();
	uint32_t gone = g.inum;

	guest_end(&g);
	assert_int_equal(views_find(v, gone), -1);
	assert_int_equal(views_find(v, gone), -1);
	/* Its number may be given again: for a while it is not looked for. */
	assert_int_equal(*views_n(v), 0);
	views_close(v);
}

static void test_those_of_the_start(void **state)
{
	struct views *v = views_open(NULL, NULL);
	struct netns_set set = {0};
	struct error err = {0};

	assert_int_equal(netns_add(&set, "self", &err), 0);
	assert_int_equal(views_add(v, &set.v[0], &err), 0);
	assert_int_equal(views_find(v, set.v[0].inum), 0);
	assert_int_equal(*views_n(v), 1);
	assert_int_equal(views_all(v)[0].found.n, 0);
	views_close(v);
	netns_set_free(&set);
}

static bool may_make_namespaces(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNET) ? 1 : 0);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_when_it_is_asked_for),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_those_of_the_start),
	};

	/* cmocka 1.1.5 writes skip() as "not ok". */
	if (may_make_namespaces())
		return cmocka_run_group_tests(tests, NULL, NULL);
	puts("ok 1 - views # SKIP it takes CAP_SYS_ADMIN to make a network namespace");
	return 0;
}
