// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * receive [legacy]: the floor for hearing trace messages: reads them as nfpath does, and throws
 * them away. With "legacy" also the TRACE lines of nflog group 0. Says "ready", ends at SIGINT or
 * SIGTERM, then prints {"cpu": seconds, "n": messages, "overruns": …}.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netfilter/nflog.h"
#include "src/channel.h"
#include "tests/bench/bench.h"

enum { BATCH = 64, DATAGRAM_MAX = 8192, RCVBUF = 32 << 20 };

static volatile sig_atomic_t over;

static void on_signal(int sig)
{
	over = 1;
}

static int bind_legacy(struct channel *c)
{
	static const struct {
		enum nflog_request what;
		uint8_t family;
	} steps[] = {{NFLOG_BIND_GROUP, 0}, {NFLOG_MODE, 0}, {NFLOG_BIND_FAMILY, AF_INET}};
	char buf[256] __attribute__((aligned(8)));
	int rc = 0;

	for (unsigned int i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = channel_request(c, nflog_request(buf, steps[i].what, steps[i].family, i + 1));
	return rc;
}

static int receive(int fd, unsigned long *n, unsigned long *overruns)
{
	static char data[BATCH][DATAGRAM_MAX];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	int got;

	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){data[i], DATAGRAM_MAX};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (!over) {
		got = recvmmsg(fd, msgs, BATCH, 0, NULL);
		if (got > 0)
			*n += got;
		else if (got < 0 && errno == ENOBUFS)
			++*overruns;
		else if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		else
			poll(&p, 1, 20);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct sigaction sa = {.sa_handler = on_signal};
	unsigned long n = 0, overruns = 0;
	struct channel c;
	struct error err;
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), rc;
	double before;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	rc = channel_open(&c, ns, RCVBUF, &err);
	if (!rc)
		rc = channel_join_trace(&c, &err);
	if (rc) {
		fprintf(stderr, "receive: %s\n", err.text);
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "legacy"))
		rc = bind_legacy(&c);
	fputs("ready\n", stderr);
	before = cpu_seconds();
	if (!rc)
		rc = receive(c.fd, &n, &overruns);
	channel_close(&c);
	if (rc) {
		fprintf(stderr, "receive: %s\n", strerror(-rc));
		return 1;
	}
	printf("{\"cpu\": %.6f, \"n\": %lu, \"overruns\": %lu}\n", cpu_seconds() - before, n,
	       overruns);
	return 0;
}
