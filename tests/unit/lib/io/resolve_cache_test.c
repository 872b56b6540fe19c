#include "lib/io/resolve_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static struct resolve_answer answer_of(uint8_t last, uint32_t ttl_s)
{
	return (struct resolve_answer){
		.addresses = {{.family = IPADDR_V4, .bytes = {10, 0, 0, last}}},
		.count = 1,
		.ttl_s = ttl_s,
	};
}

static void put(struct resolve_cache *c, const char *host, uint8_t last, uint64_t now_ms)
{
	struct resolve_answer answer = answer_of(last, 10);
	resolve_cache_put(c, host, &answer, now_ms);
}

static void entries_end_with_their_time(void **state)
{
	AUTO(resolve_cache_fini) struct resolve_cache c = {0};
	struct resolve_answer out;
	(void)state;
	put(&c, "a", 1, 1000);
	assert_true(resolve_cache_get(&c, "A", 1000, &out));
	assert_int_equal(out.ttl_s, 10);
	assert_true(resolve_cache_get(&c, "a", 10999, &out));
	assert_int_equal(out.ttl_s, 1);
	assert_int_equal(out.addresses[0].bytes[3], 1);
	assert_false(resolve_cache_get(&c, "a", 11000, &out));
	assert_false(resolve_cache_get(&c, "b", 1000, &out));
	put(&c, "a", 2, 12000);
	assert_true(resolve_cache_get(&c, "a", 12000, &out));
	assert_int_equal(out.addresses[0].bytes[3], 2);
	assert_int_equal(c.count, 1);
	resolve_cache_drop(&c, "a");
	resolve_cache_drop(&c, "a");
	assert_false(resolve_cache_revive(&c, "a", 12000, 5000, &out));
}

static void old_entries_are_revived_as_stale(void **state)
{
	AUTO(resolve_cache_fini) struct resolve_cache c = {0};
	struct resolve_answer out;
	(void)state;
	put(&c, "a", 1, 1000);
	/* Still valid, so not stale. */
	assert_true(resolve_cache_revive(&c, "a", 2000, 5000, &out));
	assert_false(out.stale);
	assert_true(resolve_cache_revive(&c, "a", 99000, 5000, &out));
	assert_true(out.stale);
	assert_true(resolve_cache_get(&c, "a", 103999, &out));
	assert_true(out.stale);
	assert_false(resolve_cache_get(&c, "a", 104000, &out));
	put(&c, "a", 2, 105000);
	assert_true(resolve_cache_get(&c, "a", 105000, &out));
	assert_false(out.stale);
}

static void the_name_unused_for_longest_makes_room(void **state)
{
	AUTO(resolve_cache_fini) struct resolve_cache c = {0};
	struct resolve_answer out;
	char host[16];
	(void)state;
	for (unsigned int i = 0; i < RESOLVE_CACHE_MAX; i++) {
		snprintf(host, sizeof(host), "h%u", i);
		put(&c, host, (uint8_t)i, 1000 + i);
	}
	assert_true(resolve_cache_get(&c, "h0", 2000, &out));
	put(&c, "new", 200, 2001);
	assert_int_equal(c.count, RESOLVE_CACHE_MAX);
	assert_true(resolve_cache_get(&c, "h0", 2002, &out));
	assert_false(resolve_cache_get(&c, "h1", 2002, &out));
	assert_true(resolve_cache_get(&c, "h2", 2002, &out));
	assert_true(resolve_cache_get(&c, "new", 2002, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_end_with_their_time),
		cmocka_unit_test(old_entries_are_revived_as_stale),
		cmocka_unit_test(the_name_unused_for_longest_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
