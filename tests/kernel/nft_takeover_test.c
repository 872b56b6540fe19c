/* Tables that other programs left, edit or own; and ends of all kinds. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "tests/kernel/firewall.h"
#include "tests/support/address.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define OUR_TABLES "nft list table ip ts_sidecar; nft list table ip6 ts_sidecar"
#define FOREIGN                                                                                 \
	"nft add table ip nat; nft 'add chain ip nat PREROUTING"                                \
	" { type nat hook prerouting priority -100; }'; nft add rule ip nat PREROUTING"         \
	" tcp dport 10000 dnat to 192.0.2.1; nft add table ip filter; nft 'add chain ip filter" \
	" FORWARD { type filter hook forward priority 0; }'; nft add rule ip filter FORWARD"    \
	" counter accept; nft add table inet x; nft 'add set inet x s { type ipv4_addr; }'"
#define LIST_FOREIGN "nft list table ip nat; nft list table ip filter; nft list table inet x"

static void wanted_init(struct nft_wanted *w)
{
	firewall_wanted_init(w);
	firewall_portmap(w, "a", IPPROTO_TCP, 10000, "100.64.1.1", 80);
	firewall_portmap(w, "b", IPPROTO_UDP, 10001, "fd7a:115c:a1e0::7", 53);
}

static void apply(struct firewall *f)
{
	struct nft_wanted w;
	wanted_init(&w);
	assert_int_equal(firewall_apply(f, &w), 0);
}

/* Our tables when no other program has changed them; counters of the guard at zero. */
static char *pristine(void)
{
	struct firewall clean;
	int home = netns_current();
	firewall_open(&clean);
	apply(&clean);
	char *text = netns_run(OUR_TABLES);
	firewall_close(&clean);
	netns_enter(home);
	close(home);
	return text;
}

static void test_older_schema(void **state)
{
	struct firewall *f = *state;
	AUTO(mem_free) char *expected = pristine();
	netns_do(
		"nft add table ip ts_sidecar '{ comment \"owner=%s schema=0\"; }'", FIREWALL_OWNER);
	netns_do("nft 'add map ip ts_sidecar egress_pm { type inet_service : ipv4_addr; };"
		 " add chain ip ts_sidecar prerouting { type nat hook prerouting priority -100; };"
		 " add rule ip ts_sidecar prerouting dnat to tcp dport map @egress_pm'");
	netns_do("for i in $(seq 1 500); do echo add element ip ts_sidecar egress_pm"
		 " { $i : 10.0.0.1 }; done | nft -f -");
	uint32_t generation = firewall_generation();
	apply(f);
	assert_int_equal(f->result.transactions, 1);
	assert_int_equal(firewall_generation(), generation + 1);
	AUTO(mem_free) char *actual = netns_run(OUR_TABLES);
	assert_string_equal(actual, expected);
}

static void test_stale_elements(void **state)
{
	struct firewall *f = *state;
	AUTO(mem_free) char *expected = pristine();
	apply(f);
	netns_do("for i in $(seq 1 500); do echo add element ip ts_sidecar egress_pm"
		 " { tcp . $i : 10.0.0.1 . 1 }; done | nft -f -");
	netns_do("nft add rule ip ts_sidecar prerouting counter accept");
	netns_do("nft delete element ip ts_sidecar egress_dst { 100.64.1.1 }");
	firewall_restart(f);
	uint32_t generation = firewall_generation();
	apply(f);
	assert_int_equal(f->result.transactions, 1);
	assert_int_equal(firewall_generation(), generation + 1);
	AUTO(mem_free) char *actual = netns_run(OUR_TABLES);
	assert_string_equal(actual, expected);
}

/* More rules than we ever make: not read, but replaced. */
static void test_too_many_rules(void **state)
{
	struct firewall *f = *state;
	AUTO(mem_free) char *expected = pristine();
	apply(f);
	netns_do("for i in $(seq 1 5000); do echo add rule ip ts_sidecar prerouting counter; done"
		 " | nft -f -");
	firewall_restart(f);
	apply(f);
	assert_int_equal(f->result.transactions, 1);
	AUTO(mem_free) char *actual = netns_run(OUR_TABLES);
	assert_string_equal(actual, expected);
}

static void test_extra_objects(void **state)
{
	static const char *const edits[] = {
		"nft add chain ip ts_sidecar more",
		"nft add set ip ts_sidecar more '{ type ipv4_addr; }'",
		"nft add counter ip ts_sidecar more",
		"nft add table ip6 ts_sidecar '{ flags dormant; }'",
		"nft flush chain ip ts_sidecar forward; nft delete chain ip ts_sidecar forward",
	};
	struct firewall *f = *state;
	AUTO(mem_free) char *expected = pristine();
	apply(f);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		netns_do("%s", edits[i]);
		firewall_restart(f);
		apply(f);
		assert_int_equal(f->result.transactions, 1);
		AUTO(mem_free) char *actual = netns_run(OUR_TABLES);
		assert_string_equal(actual, expected);
	}
}

static void test_foreign_tables(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	netns_do("%s", FOREIGN);
	AUTO(mem_free) char *before = netns_run(LIST_FOREIGN);
	apply(f);
	wanted_init(&w);
	firewall_portmap(&w, "c", IPPROTO_TCP, 10005, "100.64.1.5", 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *after = netns_run(LIST_FOREIGN);
	assert_string_equal(after, before);
	assert_int_equal(firewall_remove(f), 0);
	AUTO(mem_free) char *end = netns_run("nft list ruleset");
	assert_string_equal(end, before);
}

static void test_owned_by_another(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	netns_do("nft add table ip6 ts_sidecar '{ comment \"owner=other/pod schema=1\"; }'");
	uint32_t generation = firewall_generation();
	wanted_init(&w);
	assert_int_equal(firewall_apply(f, &w), -EEXIST);
	assert_string_equal(f->e.msg,
		"table ip6 ts_sidecar belongs to other/pod and is left alone; if that is gone for "
		"good: nft delete table ip6 ts_sidecar");
	assert_int_equal(firewall_remove(f), -EEXIST);
	assert_int_equal(firewall_generation(), generation);
}

static void test_refused_element(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	apply(f);
	AUTO(mem_free) char *before = netns_run(OUR_TABLES);
	/* Another program inserts what we are about to add: the delta is refused, and the table
	 * taken over. */
	netns_do("nft add element ip ts_sidecar egress_pm { tcp . 10007 : 10.0.0.1 . 7 }");
	wanted_init(&w);
	for (uint16_t port = 11000; port < 12000; port++)
		firewall_portmap(&w, "many", IPPROTO_TCP, port, "100.64.1.1", port);
	firewall_portmap(&w, "late", IPPROTO_TCP, 10007, "100.64.1.1", 7);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");
	firewall_expect_text(map, "tcp . 10007 comment \"late\" : 100.64.1.1 . 7");
	apply(f);
	AUTO(mem_free) char *after = netns_run(OUR_TABLES);
	assert_string_equal(after, before);
}

/* One bad element among 1,000: it is named, and nothing of the batch is done. */
static void test_refusal_names_element(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted wanted[2];
	struct nft_desired desired[2] = {0};
	struct nft_plan plan = {0};
	struct err e = {0};
	apply(f);
	netns_do("nft add element ip ts_sidecar egress_pm { tcp . 11500 : 10.0.0.1 . 7 }");
	wanted_init(&wanted[0]);
	wanted_init(&wanted[1]);
	for (uint16_t port = 11000; port < 12000; port++)
		firewall_portmap(&wanted[1], "many", IPPROTO_TCP, port, "100.64.1.1", port);
	for (int i = 0; i < 2; i++)
		assert_int_equal(nft_compile(&wanted[i], true, &desired[i], &e), 0);
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {
		&desired[0].images[NFT_MODEL_V4], &desired[0].images[NFT_MODEL_V6]};
	nft_plan_make(&plan, &desired[1], actual);
	AUTO(mem_free) char *before = netns_run(OUR_TABLES);
	uint32_t generation = firewall_generation();
	struct nft_backend *kernel = nft_kernel_new(f->loop, &e);
	assert_non_null(kernel);
	struct nft_commit c = {.plan = &plan, .wanted = &wanted[1], .desired = &desired[1]};
	assert_int_equal(kernel->ops->commit(kernel, &c, &e), -EEXIST);
	assert_string_equal(
		e.msg, "table ip ts_sidecar, element tcp 11500 of egress_pm (many): File exists");
	assert_int_equal(firewall_generation(), generation);
	AUTO(mem_free) char *after = netns_run(OUR_TABLES);
	assert_string_equal(after, before);
	kernel->ops->free(kernel);
	nft_plan_fini(&plan);
	for (int i = 0; i < 2; i++) {
		nft_desired_fini(&desired[i]);
		nft_wanted_fini(&wanted[i]);
	}
}

static bool is_repaired(void *arg)
{
	const struct firewall *f = arg;
	return f->repairs > 0;
}

static void test_foreign_edits(void **state)
{
	static const char *const edits[] = {
		"nft delete element ip ts_sidecar egress_pm { tcp . 10000 }",
		"nft flush ruleset",
		"nft flush chain ip6 ts_sidecar postrouting",
		"nft delete table ip6 ts_sidecar",
	};
	struct firewall *f = *state;
	AUTO(mem_free) char *expected = pristine();
	apply(f);
	firewall_watch(f);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		f->repairs = 0;
		netns_do("%s", edits[i]);
		uint64_t start = clock_now_ms();
		assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
		assert_true(clock_now_ms() - start < 1000);
		assert_true(f->repaired[0] != '\0');
		AUTO(mem_free) char *actual = netns_run(OUR_TABLES);
		assert_string_equal(actual, expected);
		/* Our own repair is no reason for another. */
		assert_true(loop_wait_idle(f->loop, 100));
		assert_int_equal(f->repairs, 1);
	}
	/* Foreign tables are left alone. */
	f->repairs = 0;
	netns_do("nft add table ip other; nft delete table ip other");
	assert_true(loop_wait_idle(f->loop, 200));
	assert_int_equal(f->repairs, 0);
}

static void test_removal(void **state)
{
	struct firewall *f = *state;
	apply(f);
	assert_int_equal(firewall_remove(f), 0);
	assert_int_equal(f->result.transactions, 1);
	AUTO(mem_free) char *tables = netns_run("nft list tables");
	assert_string_equal(tables, "");
	assert_int_equal(firewall_remove(f), 0);
	assert_int_equal(f->result.transactions, 0);
}

static void test_fed_back(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	struct err e = {0};
	struct ipaddr all = address_of("100.64.1.9");
	wanted_init(&w);
	firewall_pair(&w, "vip", "100.99.0.1", "10.96.0.7");
	firewall_backend(&w, FIREWALL_OWN6, "fd00::2");
	firewall_backend(&w, FIREWALL_OWN6, "fd00::3");
	assert_int_equal(nft_wanted_set_catch_all(&w, &all, &e), 0);
	assert_int_equal(nft_wanted_add_local_port(&w, IPPROTO_TCP, 9002, &e), 0);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *ours = netns_run("nft list ruleset");
	char path[] = "/tmp/ruleset-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, ours, strlen(ours)), (ssize_t)strlen(ours));
	close(fd);
	int other = netns_new();
	netns_do("nft -f %s", path);
	AUTO(mem_free) char *theirs = netns_run("nft list ruleset");
	unlink(path);
	netns_enter(f->ns);
	close(other);
	assert_string_equal(theirs, ours);
}

/* A child that applies one state after the other until it is killed. */
static void apply_forever(int ns)
{
	struct firewall f = {.ns = ns};
	firewall_restart(&f);
	for (unsigned int i = 0;; i++) {
		struct nft_wanted w;
		firewall_wanted_init(&w);
		for (uint16_t port = 0; port < 200; port++)
			firewall_portmap(&w, "s", IPPROTO_TCP, 10000 + port,
				i % 2 ? "100.64.1.1" : "100.64.1.2", 80);
		if (firewall_apply(&f, &w) != 0)
			_exit(1);
	}
}

static void test_killed(void **state)
{
	struct firewall *f = *state;
	const char *one =
		"nft list map ip ts_sidecar egress_pm 2>/dev/null | grep -o '64.1.1 ' | wc -l";
	const char *two =
		"nft list map ip ts_sidecar egress_pm 2>/dev/null | grep -o '64.1.2 ' | wc -l";
	for (unsigned int round = 0; round < 25; round++) {
		pid_t pid = fork();
		if (pid == 0)
			apply_forever(f->ns);
		assert_true(pid > 0);
		assert_true(loop_wait_idle(f->loop, 5 + round * 4));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		AUTO(mem_free) char *ones = netns_run(one);
		AUTO(mem_free) char *twos = netns_run(two);
		int sum = (int)strtol(ones, NULL, 10) + (int)strtol(twos, NULL, 10);
		bool is_whole = strtol(ones, NULL, 10) % 200 == 0 && (sum == 200 || sum == 0);
		if (!is_whole)
			fail_msg("half applied: %s and %s", ones, twos);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_older_schema, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_stale_elements, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_too_many_rules, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_extra_objects, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_foreign_tables, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_owned_by_another, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_refused_element, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_refusal_names_element, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_foreign_edits, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_removal, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_fed_back, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_killed, firewall_setup, firewall_teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
