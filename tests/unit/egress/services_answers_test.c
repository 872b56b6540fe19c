/* What is published while targets have not answered through the tunnel yet. */
#include "egress/services.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "egress/answers.h"
#include "lib/base/mem.h"
#include "lib/nft/nft.h"
#include "tests/support/egress_bench.h"

#define SERVICE(name, ip, port)                         \
	"\"" name "\":{\"tailnetTarget\":{\"ip\":\"" ip \
	"\"},\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":" #port ",\"targetPort\":80}]}"
#define ROW(name, ip, port)                                                                      \
	"\"" name "\":{\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":" #port                    \
	",\"targetPort\":80}],\"tailnetTargetIPs\":[\"" ip "\"],\"tailnetTarget\":{\"ip\":\"" ip \
	"\",\"fqdn\":\"\"}}"
#define STATUS(rows) "{\"podIPv4\":\"10.0.0.9\",\"services\":{" rows "}}"

#define A SERVICE("a", "100.64.0.1", 1)
#define B SERVICE("b", "100.64.0.2", 2)
#define A_ROW ROW("a", "100.64.0.1", 1)
#define B_ROW ROW("b", "100.64.0.2", 2)

static void start(struct egress_bench *b, struct egress_answers *answers, const char *document)
{
	answers->limit_ms = 1000;
	answers->max = 10;
	b->own = "100.64.0.100";
	b->answers = answers;
	egress_bench_write(b, document);
	egress_bench_start(b);
	egress_answers_begin(answers, 0);
}

/* As the data path does: the targets of what is contributed are asked. */
static void want(struct egress_answers *answers, const char *first, const char *second)
{
	struct ipaddr list[2];
	size_t count = 0;
	list[count++] = tailnet_addr(first);
	if (second != NULL)
		list[count++] = tailnet_addr(second);
	egress_answers_want(answers, list, count, 0);
}

static void answer(struct egress_bench *b, struct egress_answers *answers, const char *text)
{
	struct ipaddr addr = tailnet_addr(text);
	assert_true(egress_answers_answered(answers, &addr));
	egress_services_answered(b->services);
	place_turn(&b->place);
	if (place_is_writing(&b->place))
		place_answer(&b->place, 0, 0);
}

static void a_service_is_published_when_its_target_has_answered(void **state)
{
	struct egress_bench *b = *state;
	struct egress_answers answers = {0};
	start(b, &answers, "{" A "," B "}");
	want(&answers, "100.64.0.1", "100.64.0.2");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "a tcp 1 100.64.0.1 80\nb tcp 2 100.64.0.2 80");
	assert_int_equal(b->place.place.writes.len, 0);
	answer(b, &answers, "100.64.0.2");
	egress_bench_expect_status(b, STATUS(B_ROW), 1);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, STATUS(B_ROW), 1);
	answer(b, &answers, "100.64.0.1");
	egress_bench_expect_status(b, STATUS(A_ROW "," B_ROW), 2);
	egress_answers_fini(&answers);
}

static void a_silent_target_is_published_at_the_limit(void **state)
{
	struct egress_bench *b = *state;
	struct egress_answers answers = {0};
	start(b, &answers, "{" A "}");
	want(&answers, "100.64.0.1", NULL);
	egress_bench_round(b, 0);
	assert_int_equal(b->place.place.writes.len, 0);
	assert_true(egress_answers_expire(&answers, 1000));
	egress_services_answered(b->services);
	place_turn(&b->place);
	egress_bench_expect_status(b, STATUS(A_ROW), 1);
	egress_answers_fini(&answers);
}

/* An answer that comes before the rules does not publish them. */
static void rules_that_are_not_in_force_are_not_published(void **state)
{
	struct egress_bench *b = *state;
	struct egress_answers answers = {0};
	start(b, &answers, "{" A "}");
	want(&answers, "100.64.0.1", NULL);
	egress_bench_round(b, -EBUSY);
	answer(b, &answers, "100.64.0.1");
	assert_int_equal(b->place.place.writes.len, 0);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, STATUS(A_ROW), 1);
	egress_answers_fini(&answers);
}

static void a_published_service_is_withdrawn_only_for_another_target(void **state)
{
	struct egress_bench *b = *state;
	struct egress_answers answers = {0};
	start(b, &answers, "{" A "}");
	want(&answers, "100.64.0.1", NULL);
	egress_bench_round(b, 0);
	answer(b, &answers, "100.64.0.1");
	egress_bench_expect_status(b, STATUS(A_ROW), 1);
	/* The daemon is restarted, and another port is added: nothing is asked anew. */
	egress_answers_lose(&answers);
	egress_bench_put(b, "{" SERVICE("a", "100.64.0.1", 3) "}");
	want(&answers, "100.64.0.1", NULL);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, STATUS(ROW("a", "100.64.0.1", 3)), 2);
	egress_answers_begin(&answers, 0);
	egress_bench_put(b, "{" SERVICE("a", "100.64.0.7", 3) "}");
	want(&answers, "100.64.0.7", NULL);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, "{\"podIPv4\":\"10.0.0.9\",\"services\":null}", 3);
	answer(b, &answers, "100.64.0.7");
	egress_bench_expect_status(b, STATUS(ROW("a", "100.64.0.7", 3)), 4);
	egress_answers_fini(&answers);
}

/* The peer has another address: what was published follows, and is not withdrawn meanwhile. */
static void a_name_that_moves_stays_published(void **state)
{
	struct egress_bench *b = *state;
	struct egress_answers answers = {0};
	start(b, &answers, "{\"n\":{\"tailnetTarget\":{\"fqdn\":\"n.t.ts.net\"},\"ports\":[]}}");
	egress_bench_want(b);
	tailnet_peer(&b->tailnet, 1, "n.t.ts.net.", "100.64.0.1/32", "");
	want(&answers, "100.64.0.1", NULL);
	egress_bench_round(b, 0);
	assert_int_equal(b->place.place.writes.len, 0);
	answer(b, &answers, "100.64.0.1");
	assert_int_equal(b->place.place.writes.len, 1);
	tailnet_peer(&b->tailnet, 1, "n.t.ts.net.", "100.64.0.9/32", "");
	want(&answers, "100.64.0.9", NULL);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b,
		STATUS("\"n\":{\"ports\":[],\"tailnetTargetIPs\":[\"100.64.0.9\"],"
		       "\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"n.t.ts.net\"}}"),
		2);
	egress_answers_fini(&answers);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, egress_bench_open, egress_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(a_service_is_published_when_its_target_has_answered),
		TEST(a_silent_target_is_published_at_the_limit),
		TEST(rules_that_are_not_in_force_are_not_published),
		TEST(a_published_service_is_withdrawn_only_for_another_target),
		TEST(a_name_that_moves_stays_published),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
