// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/features_probes.h"

/* What the child leaves for its parent. */
struct outcome {
	int rc;
	struct error why;
};

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		rc = -errno;
	close(fd);
	return rc;
}

static void child(probe_fn fn, const struct probe_context *c, int arg, unsigned int seconds,
		  struct outcome *o)
{
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(seconds);
	rc = unshare(CLONE_NEWNET) ? -errno : loopback_up();
	if (rc)
		o->rc = fail(&o->why, rc,
			     "not probed: cannot make a network namespace to try it in: %s",
			     strerror(-rc));
	else
		o->rc = fn(c, arg, &o->why);
	_exit(0);
}

static int judge(const struct outcome *o, int status, unsigned int seconds, struct error *why)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return fail(why, -ETIMEDOUT, "not probed: no answer within %u seconds", seconds);
	if (WIFSIGNALED(status))
		return fail(why, -EIO, "not probed: the probe was ended by signal %d (%s)",
			    WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return fail(why, -EIO, "not probed: the probe ended with status %d",
			    WEXITSTATUS(status));
	*why = o->why;
	return o->rc;
}

int scratch_run(probe_fn fn, const struct probe_context *c, int arg, unsigned int seconds,
		struct error *why)
{
	struct outcome *o =
		mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, rc;
	pid_t pid;

	if (o == MAP_FAILED)
		return fail(why, -ENOMEM, "not probed: out of memory");
	pid = fork();
	if (pid == 0)
		child(fn, c, arg, seconds, o);
	if (pid < 0) {
		rc = fail(why, -errno, "not probed: cannot start a process to try it in: %s",
			  strerror(errno));
		goto out;
	}
	while ((rc = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	rc = rc < 0 ? fail(why, -ECHILD, "not probed: lost sight of the probe")
		    : judge(o, status, seconds, why);
out:
	munmap(o, sizeof(*o));
	return rc;
}
