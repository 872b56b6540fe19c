/*
 * A netlink socket to netfilter on the loop. Two ways to talk:
 *
 * A batch is committed with one sendmsg. The kernel works while that call lasts, and all its
 * answers are queued when it returns, so nlsock_commit reads them at once and never waits.
 *
 * A question (one message; its answer may be a long dump) is answered through the loop, one
 * datagram a turn. One question at a time, with a deadline for each next datagram: a dump takes as
 * long as the table is. A question that has no dump for an answer may be answered within the call,
 * too: nlsock_ask_now.
 *
 * The first part of a dump is made while the question is sent, and each further one, of up to
 * 32 KB, while the one before is received: some 0.8 ms where entries are dense. The kernel looks
 * for entries until a part is full, however long that takes (ct_io.h).
 *
 * A question that is given up leaves its dump behind in the kernel, so the socket is opened again
 * before the next one, in the network namespace that the caller is in then.
 *
 * Answers from anybody but the kernel are dropped. ENOBUFS means that answers were lost: the
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
/* code 0 = all was told; -EINTR = a dump that changed while it was read; -ETIMEDOUT. The socket is
 * free for the next question when this is called. */
typedef void (*nlsock_done_fn)(void *arg, const struct nlerr *answer);

/* -EPROTONOSUPPORT without nfnetlink. */
struct nlsock *nlsock_new(struct loop *loop, struct err *e) MUST_CHECK;
/* A question under way is forgotten, its callback is not called. NULL is accepted. */
void nlsock_free(struct nlsock *s);

/* The first of so many sequence numbers, never 0. */
uint32_t nlsock_take_seq(struct nlsock *s, uint32_t count);
uint32_t nlsock_port(const struct nlsock *s);   /* under which the kernel knows us */
size_t nlsock_send_max(const struct nlsock *s); /* most bytes of one batch */

/* Sends whole messages. 0 when they were sent and answered, whatever the answers are; else nothing
 * was committed (-EMSGSIZE: more than nlsock_send_max) or, with -ENOBUFS, it is not known. */
int nlsock_commit(struct nlsock *s, const void *messages, size_t len, struct nlsock_outcome *out,
	struct err *e) MUST_CHECK;

/* Sends the one message of w. -EBUSY while another question is under way. */
int nlsock_ask(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	nlsock_done_fn on_done, void *arg, struct err *e) MUST_CHECK;
/* A question about one thing, no dump: its answer is told before this returns. 0 also when the
 * kernel refused to answer. -EBUSY as above. */
int nlsock_ask_now(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	void *arg, struct err *e) MUST_CHECK;
/* Forgets the question under way, without its callback. The next one may be asked at once. */
void nlsock_cancel(struct nlsock *s);

#endif
