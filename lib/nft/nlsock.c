#include "lib/nft/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/nft/nlwalk.h"

/* Twice what the kernel puts into one datagram of a dump. */
#define RECV_BYTES (64u << 10)
#define RECV_BUFFER (4 << 20)
#define ANSWER_MS 5000
/* What the kernel keeps of a send buffer for itself (netlink_sendmsg). */
#define SEND_OVERHEAD 32

struct request {
	bool is_open;
	uint32_t seq;
	bool was_interrupted;
	nlsock_message_fn on_message;
	nlsock_done_fn on_done;
	void *arg;
};

struct nlsock {
	int fd;
	uint32_t port;
	uint32_t next_seq;
	size_t send_max;
	struct loop *loop_ref;
	struct loop_source *source;
	bool is_stale; /* a cancelled dump is still under way in the kernel */
	struct timer deadline;
	struct request request;
	char *bytes; /* RECV_BYTES */
};

static struct request close_request(struct nlsock *s)
{
	struct request q = s->request;
	s->request = (struct request){0};
	timer_stop(&s->deadline);
	loop_source_set(s->source, 0);
	return q;
}

static void answer(struct nlsock *s, const struct nlerr *with)
{
	struct request q = close_request(s);
	q.on_done(q.arg, with);
}

/* The end of the answer was not seen: the kernel may have more. */
static void give_up(struct nlsock *s, int code)
{
	struct nlerr with = {.seq = s->request.seq, .code = code};
	s->is_stale = true;
	answer(s, &with);
}

static void on_deadline(void *arg)
{
	give_up(arg, -ETIMEDOUT);
}

/* Bytes of one datagram of the kernel, 0 when there is none, or a negative errno. */
static ssize_t receive(struct nlsock *s)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = s->bytes, .iov_len = RECV_BYTES};
		struct msghdr msg = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1};
		ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (from.nl_pid != 0)
			continue;
		if ((msg.msg_flags & MSG_TRUNC) != 0)
			return -EMSGSIZE;
		return n;
	}
}

/* True when the request was answered: it, and perhaps the socket, are freed then. */
static bool handle_message(struct nlsock *s, const struct nlmsghdr *nlh)
{
	struct nlerr reply;
	struct request *q = &s->request;
	if (nlh->nlmsg_seq != q->seq || nlh->nlmsg_pid != s->port)
		return false;
	if ((nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		q->was_interrupted = true;
	if (!nlerr_parse(nlh, &reply)) {
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			q->on_message(q->arg, nlh);
		return false;
	}
	if (reply.code == 0 && q->was_interrupted)
		reply.code = -EINTR;
	answer(s, &reply);
	return true;
}

/* One a turn: each read makes the kernel write the next part, for which it may walk a long
 * table. */
static void on_readable(void *arg, uint32_t events)
{
	struct nlsock *s = arg;
	(void)events;
	if (!s->request.is_open)
		return;
	ssize_t n = receive(s);
	if (n < 0)
		give_up(s, (int)n);
	if (n <= 0)
		return;
	/* A dump is as long as the table, but finite: only a pause in it is a failure. */
	timer_start(&s->deadline, ANSWER_MS);
	struct nlwalk walk = NLWALK_INIT(s->bytes, (size_t)n);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (handle_message(s, nlh))
			return;
	}
}

/* As large as permitted: by force with the capability, else within the system's limit. */
static void size_buffers(struct nlsock *s)
{
	int want = NLWRITE_BATCH_MAX;
	int got = 0;
	socklen_t len = sizeof(got);
	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	want = RECV_BUFFER;
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want));
	if (getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &got, &len) == 0 && got > SEND_OVERHEAD)
		s->send_max = (size_t)got - SEND_OVERHEAD;
}

/* port 0: the kernel chooses one. */
static int open_socket(struct nlsock *s, struct err *e)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = s->port};
	socklen_t len = sizeof(address);
	int on = 1;
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (s->fd < 0)
		return err_set_errno(e, -errno, "this kernel has no netlink for netfilter");
	if (bind(s->fd, (struct sockaddr *)&address, len) < 0 ||
		getsockname(s->fd, (struct sockaddr *)&address, &len) < 0)
		return err_set_errno(e, -errno, "bind the netlink socket");
	s->port = address.nl_pid;
	/* Without these, errors are reported with less detail. */
	setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	size_buffers(s);
	s->source = loop_add(s->loop_ref, s->fd, EPOLLIN, on_readable, s, e);
	if (s->source == NULL)
		return e->code;
	loop_source_set(s->source, 0);
	return 0;
}

static void close_socket(struct nlsock *s)
{
	loop_source_remove(s->source);
	s->source = NULL;
	fd_close(&s->fd);
}

struct nlsock *nlsock_new(struct loop *loop, struct err *e)
{
	struct nlsock *s = xcalloc(1, sizeof(*s));
	s->fd = -1;
	s->loop_ref = loop;
	s->next_seq = 1;
	s->bytes = xmalloc(RECV_BYTES);
	timer_init(&s->deadline, loop, on_deadline, s);
	if (open_socket(s, e) < 0) {
		nlsock_free(s);
		return NULL;
	}
	return s;
}

/* A socket with a dump under way refuses another one until the first is read to its end. The new
 * socket gets the port of the old one, because the monitor recognizes our batches by it. */
static int make_ready(struct nlsock *s, struct err *e)
{
	if (s->request.is_open)
		return err_set(e, -EBUSY, "a question to netfilter is under way");
	if (!s->is_stale)
		return 0;
	close_socket(s);
	if (open_socket(s, e) < 0) {
		close_socket(s);
		return err_wrap(e, "open the socket again");
	}
	s->is_stale = false;
	return 0;
}

void nlsock_free(struct nlsock *s)
{
	if (s == NULL)
		return;
	timer_stop(&s->deadline);
	close_socket(s);
	free(s->bytes);
	free(s);
}

uint32_t nlsock_reserve_seq(struct nlsock *s, uint32_t count)
{
	if (s->next_seq > UINT32_MAX - count)
		s->next_seq = 1;
	uint32_t first = s->next_seq;
	s->next_seq += count;
	return first;
}

uint32_t nlsock_port(const struct nlsock *s)
{
	return s->port;
}

size_t nlsock_send_max(const struct nlsock *s)
{
	return s->send_max;
}

static int send_all(struct nlsock *s, const void *bytes, size_t len, struct err *e)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr msg = {.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = &iov,
		.msg_iovlen = 1};
	ssize_t n;
	do
		n = sendmsg(s->fd, &msg, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(e, -errno, "send %zu bytes to netfilter", len);
	return 0;
}

static void record_outcome(
	const struct nlmsghdr *nlh, uint32_t first, uint32_t last, struct nlsock_outcome *out)
{
	struct nlerr reply;
	/* Late answers to an earlier request are ignored. */
	if (nlh->nlmsg_seq < first || nlh->nlmsg_seq > last || !nlerr_parse(nlh, &reply))
		return;
	if (reply.code == 0) {
		out->is_acknowledged = true;
		return;
	}
	if (out->failure_count < NLSOCK_FAILURES_MAX)
		out->failures[out->failure_count] = reply;
	out->failure_count++;
}

static uint32_t last_seq(const void *messages, size_t len)
{
	struct nlwalk walk = NLWALK_INIT(messages, len);
	const struct nlmsghdr *nlh;
	uint32_t last = 0;
	while ((nlh = nlwalk_next(&walk)) != NULL)
		last = nlh->nlmsg_seq;
	return last;
}

int nlsock_commit(struct nlsock *s, const void *messages, size_t len, struct nlsock_outcome *out,
	struct err *e)
{
	*out = (struct nlsock_outcome){0};
	int code = make_ready(s, e);
	if (code == 0)
		code = send_all(s, messages, len, e);
	if (code < 0)
		return code;
	uint32_t first = ((const struct nlmsghdr *)messages)->nlmsg_seq;
	uint32_t last = last_seq(messages, len);
	for (;;) {
		ssize_t n = receive(s);
		if (n == 0)
			return 0;
		if (n < 0)
			return err_set_errno(e, (int)n, "read the answers of netfilter");
		struct nlwalk walk = NLWALK_INIT(s->bytes, (size_t)n);
		const struct nlmsghdr *nlh;
		while ((nlh = nlwalk_next(&walk)) != NULL)
			record_outcome(nlh, first, last, out);
	}
}

int nlsock_ask(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	nlsock_done_fn on_done, void *arg, struct err *e)
{
	int code = make_ready(s, e);
	if (code == 0)
		code = send_all(s, w->buf.data, w->buf.len, e);
	if (code < 0)
		return code;
	s->request = (struct request){
		.is_open = true,
		.seq = w->next_seq - 1,
		.on_message = on_message,
		.on_done = on_done,
		.arg = arg,
	};
	loop_source_set(s->source, EPOLLIN);
	timer_start(&s->deadline, ANSWER_MS);
	return 0;
}

int nlsock_ask_now(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	void *arg, struct err *e)
{
	int code = make_ready(s, e);
	if (code == 0)
		code = send_all(s, w->buf.data, w->buf.len, e);
	if (code < 0)
		return code;
	for (;;) {
		ssize_t n = receive(s);
		if (n == 0)
			return 0;
		if (n < 0)
			return err_set_errno(e, (int)n, "read an answer of netfilter");
		struct nlwalk walk = NLWALK_INIT(s->bytes, (size_t)n);
		const struct nlmsghdr *nlh;
		while ((nlh = nlwalk_next(&walk)) != NULL) {
			if (nlh->nlmsg_seq == w->next_seq - 1 && nlh->nlmsg_pid == s->port &&
				nlh->nlmsg_type >= NLMSG_MIN_TYPE)
				on_message(arg, nlh);
		}
	}
}

void nlsock_cancel(struct nlsock *s)
{
	if (!s->request.is_open)
		return;
	close_request(s);
	s->is_stale = true;
}
