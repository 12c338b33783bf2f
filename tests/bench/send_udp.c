// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * send_udp ADDRESS PORT COUNT RATE: sends COUNT small UDP packets, RATE a second (0: as fast as it
 * goes), with sendmmsg(). Prints {"cpu": seconds, "wall": seconds, "n": sent}. The kernel handles
 * what goes through a veth pair in the sender's time, so this is the cost of the whole path up to
 * the receiver's queue.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/clock.h"
#include "tests/bench/bench.h"

enum { BATCH = 16 };

static int open_socket(const char *address, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), off = 0;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (void *)&to, sizeof(to)))
		return -1;
	/* Each packet its own IP id: with DF set a connected socket would count it too, but say so.
	 */
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &off, sizeof(off));
	return fd;
}

/* Until it is the turn of packet n. */
static void keep_pace(uint64_t start, unsigned long n, unsigned long rate)
{
	uint64_t at = rate ? start + n * 1000000000ull / rate : 0;
	struct timespec ts = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};

	if (at > clock_ns())
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 5 ? strtoul(argv[3], NULL, 10) : 0, n = 0;
	unsigned long rate = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	int fd = argc == 5 ? open_socket(argv[1], argv[2]) : -1, sent;
	struct iovec iov = {(char[]){"0123456789abcdef"}, 16};
	struct mmsghdr msgs[BATCH];
	uint64_t start = clock_ns();
	double before;

	if (fd < 0) {
		fprintf(stderr, "send_udp ADDRESS PORT COUNT RATE: %s\n", strerror(errno));
		return 1;
	}
	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < BATCH; i++) {
		msgs[i].msg_hdr.msg_iov = &iov;
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	before = cpu_seconds();
	while (n < count) {
		keep_pace(start, n, rate);
		sent = sendmmsg(fd, msgs, count - n < BATCH ? count - n : BATCH, 0);
		if (sent < 0 && errno != ECONNREFUSED && errno != ENOBUFS) {
			fprintf(stderr, "send_udp: %s\n", strerror(errno));
			return 1;
		}
		n += sent > 0 ? sent : 0;
	}
	printf("{\"cpu\": %.6f, \"wall\": %.6f, \"n\": %lu}\n", cpu_seconds() - before,
	       (double)(clock_ns() - start) / 1e9, n);
	return 0;
}
