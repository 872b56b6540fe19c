/* The socket against the kernel: cancelled dumps, and requests after them. */
#include "lib/nft/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_msg.h"
#include "tests/kernel/firewall.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define PORTS 10000

struct talk {
	struct firewall f;
	struct nlsock *sock;
	unsigned int messages;
	bool is_done;
	int code;
};

static int setup(void **state)
{
	struct talk *t = xcalloc(1, sizeof(*t));
	struct nft_wanted w;
	struct err e = {0};
	firewall_open(&t->f);
	firewall_wanted_init(&w);
	for (unsigned int i = 0; i < PORTS; i++)
		firewall_portmap(&w, "s", IPPROTO_TCP, (uint16_t)(1 + i), "100.64.1.1", 80);
	assert_int_equal(firewall_apply(&t->f, &w), 0);
	t->sock = nlsock_new(t->f.loop, &e);
	assert_non_null(t->sock);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct talk *t = *state;
	nlsock_free(t->sock);
	firewall_close(&t->f);
	free(t);
	return 0;
}

static void on_message(void *arg, const struct nlmsghdr *nlh)
{
	struct talk *t = arg;
	(void)nlh;
	t->messages++;
}

static void on_done(void *arg, const struct nlerr *answer)
{
	struct talk *t = arg;
	t->is_done = true;
	t->code = answer->code;
}

/* Some hundred datagrams' worth: far more than the kernel puts into a socket at once. */
static int ask_for_elements(struct talk *t)
{
	struct err e = {0};
	struct nft_msg_table table = {NFT_MODEL_V4, NFT_SCHEMA_TABLE};
	AUTO(nlwrite_fini)
	struct nlwrite w = NLWRITE_INIT(80u << 10, nlsock_reserve_seq(t->sock, 1));
	nft_msg_begin(&w, &table, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	nlwrite_str(&w, NFTA_SET_ELEM_LIST_SET, "egress_pm");
	nlwrite_end(&w);
	t->is_done = false;
	t->messages = 0;
	return nlsock_ask(t->sock, &w, on_message, on_done, t, &e);
}

static void test_cancelled_dump(void **state)
{
	struct talk *t = *state;
	struct err e = {0};
	assert_int_equal(ask_for_elements(t), 0);
	assert_int_equal(ask_for_elements(t), -EBUSY);
	uint32_t port = nlsock_port(t->sock);
	for (int i = 0; i < 3; i++) {
		nlsock_cancel(t->sock);
		assert_int_equal(loop_turn(t->f.loop, 0, &e), 0);
		assert_false(t->is_done);
		assert_int_equal(t->messages, 0);
		assert_int_equal(ask_for_elements(t), 0);
	}
	assert_true(loop_wait_flag(t->f.loop, &t->is_done, LOOP_WAIT_MS));
	assert_int_equal(t->code, 0);
	assert_in_range(t->messages, 2, PORTS);
	/* The monitor knows our own batches by this number. */
	assert_int_equal(nlsock_port(t->sock), port);
	nlsock_cancel(t->sock);
	assert_int_equal(ask_for_elements(t), 0);
}

/* No limit for the whole dump, as long as it makes progress. */
static void test_slow_dump(void **state)
{
	struct talk *t = *state;
	struct err e = {0};
	uint64_t spent_ms = 0;
	fake_clock_install(1000);
	assert_int_equal(ask_for_elements(t), 0);
	for (; !t->is_done; spent_ms += 1000) {
		assert_int_equal(loop_turn(t->f.loop, 0, &e), 0);
		fake_clock_advance_ms(1000);
	}
	fake_clock_remove();
	assert_int_equal(t->code, 0);
	assert_true(spent_ms > 10000);
}

static void test_commit_after_cancelled_dump(void **state)
{
	struct talk *t = *state;
	struct err e = {0};
	struct nlsock_outcome outcome;
	struct nft_msg_table table = {NFT_MODEL_V4, "another"};
	AUTO(nlwrite_fini)
	struct nlwrite w = NLWRITE_INIT(80u << 10, nlsock_reserve_seq(t->sock, 3));
	nft_msg_batch_begin(&w);
	nft_msg_new_table(&w, &table, 0, NULL);
	nft_msg_batch_end(&w);
	assert_int_equal(ask_for_elements(t), 0);
	assert_int_equal(nlsock_commit(t->sock, w.buf.data, w.buf.len, &outcome, &e), -EBUSY);
	nlsock_cancel(t->sock);
	assert_int_equal(nlsock_commit(t->sock, w.buf.data, w.buf.len, &outcome, &e), 0);
	assert_true(outcome.is_acknowledged);
	assert_int_equal(outcome.failure_count, 0);
	assert_int_equal(netns_try("nft list table ip another"), 0);
}

static void test_freed_while_asking(void **state)
{
	struct talk *t = *state;
	struct err e = {0};
	assert_int_equal(ask_for_elements(t), 0);
	nlsock_free(t->sock);
	t->sock = NULL;
	assert_int_equal(loop_turn(t->f.loop, 0, &e), 0);
	assert_false(t->is_done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cancelled_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commit_after_cancelled_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed_while_asking, setup, teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
