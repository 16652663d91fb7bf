// The limit: an echo server on epoll as an expert writes it by hand, one thread, level-triggered.
//
// Per event one recv and one send through one shared buffer; connection state is 16 bytes in an array indexed by
// descriptor; memory is taken only for output that the kernel refuses, and while there is some the connection is asked
// for EPOLLOUT alone, so a peer that does not read is not read from. A peer's FIN ends the connection after the
// last byte has left.
//
//	epoll [-network tcp|udp|unix] [port or path]
//
// Port 0: any. Prints "listening <port or path>"; at SIGUSR1 prints "collected" (it has nothing to collect).
// Other flags with a value are taken and ignored.
// Datagrams: up to 16 in one recvmmsg, their answers in one sendmmsg.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ = 64 << 10, EVENTS = 1024, BACKLOG = 4096, BATCH = 16, DATAGRAM = 64 << 10 };

// A conn with out != NULL waits for EPOLLOUT alone. No "end of file" mark: it is read after the output has left.
struct conn {
	char *out;      // what the kernel refused
	uint32_t len;   // of out
	uint32_t off;   // how much of out has left since
};

static struct conn *conns; // indexed by descriptor; pages that were never used cost no memory
static int ep;
static char buf[READ];

static void die(const char *what)
{
	fprintf(stderr, "epoll: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void collected(int sig)
{
	(void)sig;
	if (write(1, "collected\n", 10) != 10)
		_exit(1);
}

// close takes the descriptor out of epoll as well: nothing here is ever dup'ed.
static void drop(int fd)
{
	free(conns[fd].out);
	conns[fd].out = NULL;
	close(fd);
}

static bool ask(int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};
	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) == 0;
}

// keep stores what the kernel refused.
static void keep(int fd, const char *p, size_t n)
{
	struct conn *c = &conns[fd];
	c->out = malloc(n);
	if (c->out == NULL || !ask(fd, EPOLLOUT)) {
		drop(fd);
		return;
	}
	memcpy(c->out, p, n);
	c->len = n;
	c->off = 0;
}

static void flush(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n = send(fd, c->out + c->off, c->len - c->off, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			drop(fd);
		return;
	}
	c->off += n;
	if (c->off < c->len)
		return;
	free(c->out);
	c->out = NULL;
	if (!ask(fd, EPOLLIN))
		drop(fd);
}

static void echo(int fd)
{
	ssize_t n = recv(fd, buf, sizeof buf, 0);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			drop(fd);
		return;
	}
	ssize_t sent = send(fd, buf, n, MSG_NOSIGNAL);
	if (sent == n)
		return;
	if (sent < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			drop(fd);
			return;
		}
		sent = 0;
	}
	keep(fd, buf + sent, n - sent);
}

// accept_all: TCP_NODELAY is inherited from the listener, which spares a call for each connection.
static void accept_all(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			die("accept4");
		}
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			die("epoll_ctl");
	}
}

// datagrams answers up to BATCH of them; what the kernel refuses is lost, as datagrams are.
static void datagrams(int fd)
{
	static char text[BATCH][DATAGRAM];
	static struct mmsghdr msgs[BATCH];
	static struct iovec parts[BATCH];
	static struct sockaddr_in from[BATCH];
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = text[i], .iov_len = DATAGRAM};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof from[i]};
	}
	int n = recvmmsg(fd, msgs, BATCH, 0, NULL);
	for (int i = 0; i < n; i++)
		parts[i].iov_len = msgs[i].msg_len;
	if (n > 0 && sendmmsg(fd, msgs, n, 0) < 0 && errno != EAGAIN)
		die("sendmmsg");
}

static int listen_unix(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	if (fd < 0)
		die("socket");
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		die("bind");
	if (listen(fd, BACKLOG) < 0)
		die("listen");
	printf("listening %s\n", path);
	fflush(stdout);
	return fd;
}

static int listen_inet(int type, int port)
{
	int on = 1, fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, len) < 0)
		die("bind");
	if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		die("listen");
	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		die("getsockname");
	printf("listening %d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static int listen_on(const char *network, const char *at)
{
	if (strcmp(network, "unix") == 0)
		return listen_unix(at);
	return listen_inet(strcmp(network, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, atoi(at));
}

// state maps one conn for every descriptor that the limit allows: the array never has to grow or be checked.
static void state(void)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		die("getrlimit");
	conns = mmap(NULL, lim.rlim_cur * sizeof *conns, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (conns == MAP_FAILED)
		die("mmap");
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	struct sigaction usr1 = {.sa_handler = collected, .sa_flags = SA_RESTART};
	sigaction(SIGUSR1, &usr1, NULL);
	state();
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		die("epoll_create1");
	const char *network = "tcp";
	for (; argc > 2 && argv[1][0] == '-'; argc -= 2, argv += 2)
		if (strcmp(argv[1], "-network") == 0)
			network = argv[2];
	bool udp = strcmp(network, "udp") == 0;
	int listener = listen_on(network, argc > 1 ? argv[1] : "0");
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
	if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) < 0)
		die("epoll_ctl");
	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener && udp)
				datagrams(fd);
			else if (fd == listener)
				accept_all(listener);
			else if (events[i].events & EPOLLOUT || conns[fd].out != NULL)
				flush(fd);
			else
				echo(fd);
		}
	}
}
