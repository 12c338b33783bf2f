// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp_cost PORT COUNT PID: sends COUNT small UDP packets to itself through lo, one at a time, and
 * takes each from its socket: the whole path through OUTPUT, PREROUTING and INPUT runs in sendto(),
 * in this process's time. Where one nanosecond is one instruction (tests/bench/vm) it prints, as
 * JSON, each without what reading the clocks takes:
 *
 *   exact    what most packets took by CLOCK_MONOTONIC: those that no tick and no other process met
 *   same     how many of the packets took just that
 *   cpu      what a packet took of CPU time, the mean: of this process and of process PID, which is
 *            ksoftirqd: that takes packets over when somebody else waits for the processor
 *   lost     packets that did not come back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "src/clock.h"

enum { WARM_UP = 20 };

struct cost {
	int from, to;
	struct sockaddr_in addr;
	clockid_t softirqs;
	unsigned long lost;
};

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A socket to send from, another one bound to lo; the latter never waits, since what does not come at
 * once was lost. */
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

static void one_packet(struct cost *c)
{
	char buf[16] = "0123456789abcde";

	if (sendto(c->from, buf, sizeof(buf), 0, (void *)&c->addr, sizeof(c->addr)) < 0 ||
	    recvfrom(c->to, buf, sizeof(buf), 0, NULL, NULL) < 0)
		c->lost++;
}

/* Fills ns with what each packet took, without a packet the clock itself; returns the CPU time. */
static uint64_t measure(struct cost *c, bool packets, uint64_t *ns, size_t n)
{
	uint64_t softirqs = cpu_ns(c->softirqs), own = cpu_ns(CLOCK_PROCESS_CPUTIME_ID), t;

	for (size_t i = 0; i < n; i++) {
		t = clock_ns();
		if (packets)
			one_packet(c);
		ns[i] = clock_ns() - t;
	}
	own = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - own;
	return own + cpu_ns(c->softirqs) - softirqs;
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

int main(int argc, char **argv)
{
	size_t n = argc == 4 ? strtoul(argv[2], NULL, 10) : 0, same;
	uint64_t *ns = n ? calloc(n, sizeof(*ns)) : NULL;
	uint64_t clock, exact, clock_cpu, cpu;
	struct cost c = {0};

	if (!ns || open_sockets(&c, atoi(argv[1])) ||
	    clock_getcpuclockid(atoi(argv[3]), &c.softirqs)) {
		fprintf(stderr, "udp_cost PORT COUNT PID: %s\n", strerror(n ? errno : EINVAL));
		return 1;
	}
	/* No page is touched for the first time while the clock runs. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	for (int i = 0; i < WARM_UP; i++)
		one_packet(&c);
	c.lost = 0;
	clock_cpu = measure(&c, false, ns, n);
	clock = mode(ns, n, &same);
	cpu = measure(&c, true, ns, n);
	exact = mode(ns, n, &same);
	printf("{\"n\": %zu, \"warm_up\": %d, \"exact\": %lu, \"same\": %zu, \"cpu\": %.1f, \"lost\": %lu}\n",
	       n, WARM_UP, exact - clock, same, (double)(cpu - clock_cpu) / (double)n, c.lost);
	return 0;
}
