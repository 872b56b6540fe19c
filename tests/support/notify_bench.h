/*
 * A decoder of notifications that records the content of each message: for the tests of
 * lib/localapi/ipn_decode.h.
 *
 *	notify_feed(f, "{\"State\":6}\n");
 *	assert_int_equal(notify_last(f)->n.state, IPN_STATE_RUNNING);
 */
#ifndef TESTS_SUPPORT_NOTIFY_BENCH_H
#define TESTS_SUPPORT_NOTIFY_BENCH_H

#include <stddef.h>

#include "lib/base/str.h"
#include "lib/localapi/ipn_decode.h"
#include "lib/localapi/selfnode.h"
#include "tests/support/log_capture.h"

struct peers;
struct records;

#define NOTIFY_SEEN_MAX 16

/* The first message of a running node: itself, and the peers web and db. */
#define NOTIFY_STATUS                                                                            \
	"{\"State\":6,\"InitialStatus\":{\"Version\":\"1.102.3\",\"BackendState\":\"Running\","  \
	"\"AuthURL\":\"https://login.example/a/1\",\"CertDomains\":[\"n.t.ts.net\",null,\"m\"]," \
	"\"Self\":{\"ID\":\"nSTABLE\",\"NodeID\":7,\"DNSName\":\"n.t.ts.net.\","                 \
	"\"TailscaleIPs\":[\"100.64.0.1\",\"fd7a::1\"],\"Online\":true},"                        \
	"\"Peer\":{\"nodekey:a\":{\"ID\":\"s1\",\"NodeID\":33223432117286174,"                   \
	"\"DNSName\":\"web.t.ts.net.\",\"TailscaleIPs\":[\"100.64.0.9\"],"                       \
	"\"AllowedIPs\":[\"100.64.0.9/32\",\"10.1.0.0/16\"]},\"nodekey:b\":{\"ID\":\"s2\","      \
	"\"NodeID\":8,\"DNSName\":\"db.t.ts.net.\",\"TailscaleIPs\":null}}}}\n"

/* The content of one message, copied out of the callback. */
struct notify_seen {
	struct ipn_notify n;
	char *error;
	char *url;
	char *auth_url;
	char *session_id;
	struct selfnode self;
	struct strv cert_domains;
	struct strv warnings; /* "code|title|text|error" */
};

struct notify_bench {
	struct peers *peers;
	struct records *records;
	struct ipn_decoder *decoder;
	struct notify_seen seen[NOTIFY_SEEN_MAX];
	size_t count;
	int answer; /* of the callback */
	struct log_capture log;
};

/* Setup and teardown of each test. */
int notify_bench_open(void **state);
int notify_bench_close(void **state);

void notify_forget(struct notify_bench *f);
/* A new stream, which uses the present wants. */
void notify_restart(struct notify_bench *f);
/* Starts over with wanted peers and records: words, and at most one address. */
void notify_want(struct notify_bench *f, const char *names, const char *address);
/* Whole messages. */
void notify_feed(struct notify_bench *f, const char *text);
const struct notify_seen *notify_last(const struct notify_bench *f);

#endif
