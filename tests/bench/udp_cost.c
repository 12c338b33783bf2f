// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp_cost PORT COUNT KSOFTIRQD WATCHER: sends COUNT small UDP packets to itself through lo, one at a
 * time, and takes each from its socket: the whole path through OUTPUT, PREROUTING and INPUT runs in
 * sendto(), in this process's time. Where one nanosecond is one instruction (tests/bench/vm) it
 * prints, as JSON, each without what reading the clocks takes:
 *
 *   exact    what most packets took by CLOCK_MONOTONIC: those that no tick and no other process met
 *   same     how many of the packets took just that
 *   mean     the mean of what a packet took, while this process ran and while process KSOFTIRQD did:
 *            that takes packets over when somebody else waits for the processor
 *   watcher  what process WATCHER (0: none) did meanwhile and afterwards until it was quiet, a packet
 *   lost     packets that did not come back
 *
 * How long a process runs is perf's task clock. CLOCK_PROCESS_CPUTIME_ID is wrong here: a packet that
 * wakes the watcher goes on to its end before the processor changes hands, and what it does from the
 * wake-up on is charged to the watcher (check_preempt_curr() has __schedule() skip the update of the
 * run queue's clock).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "src/clock.h"

enum { WARM_UP = 20, QUIET_US = 200000 };

struct cost {
	int from, to;
	struct sockaddr_in addr;
	unsigned long lost;
};

/* A counter of the time that a process runs, from now on. */
static int clock_of(pid_t pid)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_TASK_CLOCK};

	return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t run_ns(int clock)
{
	uint64_t ns;

	return read(clock, &ns, sizeof(ns)) == sizeof(ns) ? ns : 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A socket to send from, another one bound to lo, which does not wait: who waits lets others run. */
static int open_sockets(struct cost *c, int port)
{
	c->addr = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	c->from = socket(AF_INET, SOCK_DGRAM, 0);
	c->to = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (c->from < 0 || c->to < 0 || bind(c->to, (void *)&c->addr, sizeof(c->addr)))
		return -errno;
	return 0;
}

/* It is there when sendto() returns, but for those that ksoftirqd has taken over. */
static void one_packet(struct cost *c)
{
	struct pollfd late = {.fd = c->to, .events = POLLIN};
	char buf[16] = "0123456789abcde";
	ssize_t n = sendto(c->from, buf, sizeof(buf), 0, (void *)&c->addr, sizeof(c->addr));

	if (n > 0)
		n = recvfrom(c->to, buf, sizeof(buf), 0, NULL, NULL);
	if (n < 0 && errno == EAGAIN && poll(&late, 1, 1000) > 0)
		n = recvfrom(c->to, buf, sizeof(buf), 0, NULL, NULL);
	c->lost += n <= 0;
}

/* Fills ns with what each packet took, without packets: reading the clock. Returns the time that the
 * sender ran. */
static uint64_t measure(struct cost *c, bool packets, uint64_t *ns, size_t n, int clock)
{
	uint64_t before = run_ns(clock), t;

	for (size_t i = 0; i < n; i++) {
		t = clock_ns();
		if (packets)
			one_packet(c);
		ns[i] = clock_ns() - t;
	}
	return run_ns(clock) - before;
}

/* What the watcher has done by the time that it does next to nothing any more. */
static uint64_t when_quiet(int clock)
{
	uint64_t now = run_ns(clock), before;

	do {
		before = now;
		usleep(QUIET_US);
		now = run_ns(clock);
	} while (now - before > QUIET_US * 1000ull / 100);
	return before;
}

/* The value that is there most often, and how often. */
static uint64_t mode(uint64_t *ns, size_t n, size_t *times)
{
	uint64_t found = 0;

	*times = 0;
	qsort(ns, n, sizeof(*ns), by_value);
	for (size_t i = 0, from = 0; i < n; i++) {
		if (ns[i] != ns[from])
			from = i;
		if (i + 1 - from > *times) {
			*times = i + 1 - from;
			found = ns[i];
		}
	}
	return found;
}

/* The clocks of this process, of ksoftirqd and of the watcher. */
static bool open_clocks(int clocks[3], char **pids)
{
	clocks[0] = clock_of(0);
	clocks[1] = clock_of(atoi(pids[0]));
	clocks[2] = atoi(pids[1]) ? clock_of(atoi(pids[1])) : -1;
	return clocks[0] >= 0 && clocks[1] >= 0 && (clocks[2] >= 0 || !atoi(pids[1]));
}

int main(int argc, char **argv)
{
	size_t n = argc == 5 ? strtoul(argv[2], NULL, 10) : 0, same;
	uint64_t *ns = n ? calloc(n, sizeof(*ns)) : NULL;
	uint64_t clock, exact, clock_run, run, softirqs, watcher;
	struct cost c = {0};
	int clocks[3];

	if (!ns || open_sockets(&c, atoi(argv[1])) || !open_clocks(clocks, argv + 3)) {
		fprintf(stderr, "udp_cost PORT COUNT KSOFTIRQD WATCHER: %s\n",
			strerror(ns ? errno : EINVAL));
		return 1;
	}
	/* No page is touched for the first time while the clock runs. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	for (int i = 0; i < WARM_UP; i++)
		one_packet(&c);
	c.lost = 0;
	clock_run = measure(&c, false, ns, n, clocks[0]);
	clock = mode(ns, n, &same);
	watcher = when_quiet(clocks[2]);
	softirqs = run_ns(clocks[1]);
	run = measure(&c, true, ns, n, clocks[0]) - clock_run + run_ns(clocks[1]) - softirqs;
	exact = mode(ns, n, &same);
	watcher = when_quiet(clocks[2]) - watcher;
	printf("{\"n\": %zu, \"sent\": %zu, \"exact\": %lu, \"same\": %zu, \"mean\": %.1f, "
	       "\"watcher\": %.1f, \"lost\": %lu}\n",
	       n, n + WARM_UP, exact - clock, same, (double)run / (double)n,
	       (double)watcher / (double)n, c.lost);
	return 0;
}
