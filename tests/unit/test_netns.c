// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/netns.h"

#include <cmocka.h> /* last: it has a macro fail() */

static uint64_t own_inum(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

static void check_refused(const char *arg, int rc, const char *want)
{
	struct netns_set set = {0};
	struct error err = {0};

	assert_int_equal(netns_add(&set, arg, &err), rc);
	assert_string_equal(err.text, want);
	assert_int_equal(set.n, 0);
	netns_set_free(&set);
}

static void test_self_by_every_name(void **state)
{
	struct netns_set set = {0};
	struct error err = {0};
	char pid[32];

	assert_int_equal(netns_add(&set, "self", &err), 0);
	assert_int_equal(set.n, 1);
	assert_true(set.v[0].inum == own_inum());
	assert_true(set.v[0].name[0]);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(netns_add(&set, pid, &err), 0);
	assert_int_equal(netns_add(&set, "/proc/self/ns/net", &err), 0);
	assert_int_equal(set.n, 1);
	netns_set_free(&set);
	assert_int_equal(set.n, 0);
}

static void test_what_is_not_there(void **state)
{
	check_refused(
		"no-such-ns", -ENOENT,
		"--netns: there is no network namespace 'no-such-ns'; `ip netns list` shows the "
		"named ones, or give a PID or a path");
	check_refused(
		"999999999", -ENOENT,
		"--netns: there is neither a network namespace named '999999999' nor a process "
		"with this PID; `ip netns list` shows the named ones");
	check_refused(
		"99999999999999999999999999999999", -ENOENT,
		"--netns: there is neither a network namespace named "
		"'99999999999999999999999999999999' nor a process with this PID; `ip netns list` "
		"shows the named ones");
	check_refused(
		"/no/such/file", -ENOENT,
		"--netns: there is no file '/no/such/file'; give a path like /proc/PID/ns/net, a "
		"PID, or a name that `ip netns list` shows");
	check_refused("", -EINVAL, "--netns: '' names nothing; give NAME, PID, PATH, self or all");
	check_refused("..", -EINVAL,
		      "--netns: '..' is not a name; give NAME, PID, PATH, self or all");
}

static void test_what_is_no_network_namespace(void **state)
{
	static const char *const paths[] = {"/dev/null", "/", "/proc/self/ns/mnt"};
	char want[512];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(want, sizeof(want),
			 "--netns: '%s' (%s) is not a network namespace; `ip netns list` shows the "
			 "named ones, or give a PID or a path like /proc/PID/ns/net",
			 paths[i], paths[i]);
		check_refused(paths[i], -EINVAL, want);
	}
}

/* Nobody writes there, so that opening it must not wait for a writer. */
static void test_fifo_does_not_block(void **state)
{
	char dir[] = "/tmp/nfp-netns-XXXXXX", path[64], want[512];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(want, sizeof(want),
		 "--netns: '%s' (%s) is not a network namespace; `ip netns list` shows the named "
		 "ones, or give a PID or a path like /proc/PID/ns/net",
		 path, path);
	check_refused(path, -EINVAL, want);
	unlink(path);
	rmdir(dir);
}

/* In a child: a namespace of its own, as the caller may make one. 0: right; 77: not allowed here.
 */
static int enter_and_leave(int other)
{
	struct netns_set set = {0};
	struct error err = {0};
	uint64_t mine;
	int token;

	if (unshare(CLONE_NEWNET))
		return 6;
	mine = own_inum();
	if (netns_add(&set, "self", &err) || set.v[0].inum != mine)
		return 1;
	token = netns_enter(set.v[0].fd); /* to where we are: allowed to everybody */
	if (token < 0)
		return 2;
	netns_leave(token);
	if (own_inum() != mine)
		return 3;
	token = netns_enter(other);
	if (token < 0 || own_inum() == mine)
		return 4;
	netns_leave(token);
	netns_set_free(&set);
	return own_inum() == mine ? 0 : 5;
}

static void test_enter_and_leave(void **state)
{
	struct netns_set set = {0};
	struct error err = {0};
	int status;
	pid_t pid;

	assert_int_equal(netns_add(&set, "self", &err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(enter_and_leave(set.v[0].fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	netns_set_free(&set);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_enter_what_is_no_namespace(void **state)
{
	int fd = dup(STDERR_FILENO);
	int rc = netns_enter(fd);

	assert_true(rc == -EINVAL || rc == -EPERM);
	close(fd);
	assert_true(netns_enter(-1) < 0);
}

/* The namespace of a child that has no name is found among all, once, under its PID. */
static void test_all(void **state)
{
	struct netns_set set = {0};
	struct error err = {0};
	int ready[2], end[2], rc;
	unsigned int found = 0;
	char c, name[32];
	pid_t pid;

	assert_int_equal(pipe(ready) | pipe(end), 0);
	pid = fork();
	if (!pid) {
		c = unshare(CLONE_NEWNET) ? 'n' : 'y';
		close(end[1]);
		if (write(ready[1], &c, 1) != 1 || read(end[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(end[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	rc = netns_add(&set, "all", &err);
	close(end[1]);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(rc, 0);
	assert_int_equal(c, 'y');
	/* Where some process may not be looked into, that is said. */
	assert_true(!err.text[0] || strstr(err.text, "'all' may be incomplete"));
	snprintf(name, sizeof(name), "pid %d", (int)pid);
	for (unsigned int i = 0; i < set.n; i++) {
		found += !strcmp(set.v[i].name, name);
		for (unsigned int j = 0; j < i; j++)
			assert_true(set.v[i].inum != set.v[j].inum);
	}
	assert_int_equal(found, 1);
	netns_set_free(&set);
}

/* By its number alone, though nothing names it. */
static void test_find(void **state)
{
	struct netns_set set = {0};
	int ready[2], end[2], rc, again, none;
	uint64_t inum = 0;
	char name[32];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready) | pipe(end), 0);
	pid = fork();
	if (!pid) {
		inum = unshare(CLONE_NEWNET) ? 0 : own_inum();
		close(end[1]);
		if (write(ready[1], &inum, sizeof(inum)) < 0 || read(end[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(end[0]);
	assert_int_equal(read(ready[0], &inum, sizeof(inum)), sizeof(inum));
	rc = netns_find(&set, inum);
	again = netns_find(&set, inum);
	none = netns_find(&set, 12345);
	close(end[1]);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	assert_true(inum);
	assert_int_equal(rc, 0);
	assert_int_equal(again, 0);
	assert_int_equal(none, -ENOENT);
	assert_int_equal(set.n, 1);
	assert_true(set.v[0].inum == inum);
	snprintf(name, sizeof(name), "pid %d", (int)pid);
	assert_string_equal(set.v[0].name, name);
	netns_set_free(&set);
}

static int bind_name(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	f = fopen(path, "w");
	if (!f || fclose(f))
		return -1;
	return mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL);
}

/* No process is in it. */
static int find_red(uint64_t inum)
{
	struct netns_set set = {0};

	if (netns_find(&set, inum) || set.n != 1 || set.v[0].inum != inum)
		return 9;
	return strcmp(set.v[0].name, "red") ? 10 : 0;
}

/* In a child with a /run of its own: 0 right, else where it went wrong. */
static int use_names(const char *digits)
{
	struct netns_set set = {0};
	struct error err = {0};
	uint64_t first;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL) || mkdir("/run/netns", 0755) ||
	    bind_name("red"))
		return 1;
	first = own_inum();
	if (unshare(CLONE_NEWNET) || bind_name(digits) || !fopen("/run/netns/stale", "w"))
		return 2;
	if (netns_add(&set, "red", &err) || set.v[0].inum != first || strcmp(set.v[0].name, "red"))
		return 3;
	/* Digits that are both a name and a PID are the name. */
	if (netns_add(&set, digits, &err) || set.v[1].inum != own_inum() ||
	    strcmp(set.v[1].name, digits))
		return 4;
	if (netns_add(&set, "stale", &err) != -EINVAL ||
	    !strstr(err.text, "'stale' (/run/netns/stale)"))
		return 5;
	netns_set_free(&set);
	if (netns_add(&set, "all", &err) || set.n < 3)
		return 6;
	for (unsigned int i = 0; i < set.n; i++)
		if (set.v[i].inum == first)
			return strcmp(set.v[i].name, "red") ? 7 : find_red(first);
	return 8;
}

static void test_names(void **state)
{
	char digits[32];
	int status;
	pid_t pid;

	snprintf(digits, sizeof(digits), "%d", (int)getpid());
	pid = fork();
	if (!pid)
		_exit(use_names(digits));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
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
	const struct CMUnitTest for_all[] = {
		cmocka_unit_test(test_self_by_every_name),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_what_is_no_network_namespace),
		cmocka_unit_test(test_fifo_does_not_block),
		cmocka_unit_test(test_enter_what_is_no_namespace),
	};
	const struct CMUnitTest for_root[] = {
		cmocka_unit_test(test_enter_and_leave),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_names),
	};
	int failed = cmocka_run_group_tests(for_all, NULL, NULL);

	/* cmocka 1.1.5 writes skip() as "not ok". */
	if (may_make_namespaces())
		return failed + cmocka_run_group_tests(for_root, NULL, NULL);
	puts("ok - enter and leave, all # SKIP it takes CAP_SYS_ADMIN to make a network namespace");
	return failed;
}
