/*
 * A netlink socket to netfilter on the loop. Two ways to talk:
 *
 * A batch is committed with one sendmsg. The kernel works while that call lasts, and all its
 * answers are queued when it returns, so nlsock_commit reads them at once and never waits.
 *
 * A request (one message; its answer may be a long dump) is answered through the loop, one datagram
 * a turn. There is one request at a time, with a deadline for each next datagram, because the time
 * of a dump depends on the table. A request that is not answered by a dump can also be answered
 * within the call: nlsock_ask_now.
 *
 * The first part of a dump is made while the request is sent, and each further one, of up to 32 KB,
 * while the one before is received: some 0.8 ms where entries are dense. The kernel looks for
 * entries until a part is full, however long that takes (ct_io.h).
 *
 * A cancelled request leaves its dump behind in the kernel, so the socket is opened again before
 * the next one, in the network namespace of the caller at that time.
 *
 * Answers that do not come from the kernel are dropped. ENOBUFS means that answers were lost: the
 * outcome is -ENOBUFS, and the caller finds out by reading.
 */
#ifndef LIB_NFT_NLSOCK_H
#define LIB_NFT_NLSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nlerr.h"
#include "lib/nft/nlwrite.h"

struct loop;
struct nlmsghdr;
struct nlsock;

/* Most failures of one batch that are kept; the kernel reports every message that fails. */
#define NLSOCK_FAILURES_MAX 32

struct nlsock_outcome {
	bool is_acknowledged; /* the last message of the batch */
	size_t failure_count; /* may be more than are kept */
	struct nlerr failures[NLSOCK_FAILURES_MAX];
};

typedef void (*nlsock_message_fn)(void *arg, const struct nlmsghdr *nlh);
/* code 0 = complete; -EINTR = the table changed during the dump; -ETIMEDOUT. The socket is free for
 * the next request when this is called. */
typedef void (*nlsock_done_fn)(void *arg, const struct nlerr *answer);

/* -EPROTONOSUPPORT without nfnetlink. */
struct nlsock *nlsock_new(struct loop *loop, struct err *e) MUST_CHECK;
/* Cancels a request under way without calling its callback. NULL is accepted. */
void nlsock_free(struct nlsock *s);

/* Reserves so many sequence numbers and returns the first, never 0. */
uint32_t nlsock_reserve_seq(struct nlsock *s, uint32_t count);
uint32_t nlsock_port(const struct nlsock *s);   /* our address for the kernel */
size_t nlsock_send_max(const struct nlsock *s); /* most bytes of one batch */

/* Sends whole messages. 0 when they were sent and answered, whatever the answers are; else nothing
 * was committed (-EMSGSIZE: more than nlsock_send_max) or, with -ENOBUFS, that is unknown. */
int nlsock_commit(struct nlsock *s, const void *messages, size_t len, struct nlsock_outcome *out,
	struct err *e) MUST_CHECK;

/* Sends the one message of w. -EBUSY while another request is under way. */
int nlsock_ask(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	nlsock_done_fn on_done, void *arg, struct err *e) MUST_CHECK;
/* A request about one object, no dump: its answer is delivered before this returns. 0 also when the
 * kernel refused to answer. -EBUSY as above. */
int nlsock_ask_now(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	void *arg, struct err *e) MUST_CHECK;
/* Cancels the request under way without calling its callback. The next one may be sent at once. */
void nlsock_cancel(struct nlsock *s);

#endif
