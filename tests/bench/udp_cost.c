// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp_cost PORT COUNT: sends COUNT small UDP packets to itself through lo, one at a time, and takes
 * each from its socket: the whole path through OUTPUT, PREROUTING and INPUT runs in sendto(), in
 * this process's time. Where one nanosecond is one instruction (tests/bench/vm) it prints, as JSON,
 *
 *   exact    the median of what a packet took by CLOCK_MONOTONIC: to the instruction, as long as
 *            most packets are met by no tick and no other process
 *   same     how many of the packets took just that
 *   cpu      what a packet took of this process's CPU time, the mean: with ticks, wake-ups and
 *            switches to other processes
 *   lost     packets that did not come back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "src/clock.h"

enum { WARM_UP = 200 };

struct cost {
	int from, to;
	struct sockaddr_in addr;
	unsigned long lost;
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
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

/* Fills ns with what each packet took; returns the CPU time of all. */
static uint64_t measure(struct cost *c, uint64_t *ns, size_t n)
{
	uint64_t before = cpu_ns(), t;

	for (size_t i = 0; i < n; i++) {
		t = clock_ns();
		if (c)
			one_packet(c);
		ns[i] = clock_ns() - t;
	}
	return cpu_ns() - before;
}

static uint64_t median(uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), by_value);
	return ns[n / 2];
}

int main(int argc, char **argv)
{
	size_t n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, same = 0;
	uint64_t *ns = n ? calloc(n, sizeof(*ns)) : NULL;
	uint64_t clock, exact, clock_cpu, cpu;
	struct cost c = {0};

	if (!ns || open_sockets(&c, atoi(argv[1]))) {
		fprintf(stderr, "udp_cost PORT COUNT: %s\n", strerror(n ? errno : EINVAL));
		return 1;
	}
	/* No page is touched for the first time while the clock runs. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	for (int i = 0; i < WARM_UP; i++)
		one_packet(&c);
	c.lost = 0;
	/* What reading the clocks takes is taken off. */
	clock_cpu = measure(NULL, ns, n);
	clock = median(ns, n);
	cpu = measure(&c, ns, n);
	exact = median(ns, n);
	for (size_t i = 0; i < n; i++)
		same += ns[i] == exact;
	printf("{\"n\": %zu, \"exact\": %lu, \"same\": %zu, \"cpu\": %.1f, \"lost\": %lu}\n", n,
	       exact - clock, same, (double)(cpu - clock_cpu) / (double)n, c.lost);
	return 0;
}
