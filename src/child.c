// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { END_TRIES = 60 };

/* libmnl and libnftables open sockets without CLOEXEC, and an inherited one would keep our tables
 * alive. */
static void keep_descriptors_back(void)
{
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC))
		for (int fd = 3; fd < 1024; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void become(char **argv, const struct cgroup *cgroup, const struct netns *ns, int report)
{
	sigset_t none;
	int rc;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	rc = cgroup_enter(cgroup);
	if (!rc && ns && setns(ns->fd, CLONE_NEWNET))
		rc = -errno;
	if (!rc && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		rc = -errno;
	if (!rc) {
		keep_descriptors_back();
		execvp(argv[0], argv);
		rc = -errno;
	}
	if (write(report, &rc, sizeof(rc)) < 0)
		_exit(126);
	_exit(127);
}

void child_end(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};

	kill(pid, SIGTERM);
	for (int i = 0; i < END_TRIES && !waitpid(pid, NULL, WNOHANG); i++)
		nanosleep(&pause, NULL);
}

pid_t child_start(char **argv, const struct cgroup *cgroup, const struct netns *ns,
		  struct error *err)
{
	int pipes[2], rc = 0;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return fail(err, -errno, "cannot start '%s': %s", argv[0], strerror(errno));
	pid = fork();
	if (pid == 0)
		become(argv, cgroup, ns, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		rc = -errno;
	} else if (read(pipes[0], &rc, sizeof(rc)) == (ssize_t)sizeof(rc)) {
		waitpid(pid, NULL, 0);
	} else {
		rc = 0; /* the pipe closed with exec */
	}
	close(pipes[0]);
	if (rc)
		return fail(err, rc == -EACCES || rc == -EPERM ? -ENOENT : rc,
			    "cannot run the command '%s': %s", argv[0], strerror(-rc));
	return pid;
}
