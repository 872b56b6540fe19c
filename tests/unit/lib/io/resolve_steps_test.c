#include "lib/io/resolve_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void names_are_asked_in_the_order_of_resolvers(void **state)
{
	static const struct {
		const char *host;
		size_t ndots;
		const char *names[4];
		size_t absolute;
	} rows[] = {
		{"api", 1, {"api.one.test", "api.two.test", "api"}, 2},
		{"api.default.svc", 5,
			{"api.default.svc.one.test", "api.default.svc.two.test", "api.default.svc"},
			2},
		{"api.example", 1, {"api.example", "api.example.one.test", "api.example.two.test"},
			0},
		{"api", 0, {"api", "api.one.test", "api.two.test"}, 0},
		{"api.example.", 5, {"api.example."}, 0},
		{"..", 1, {".."}, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct resolve_search search = {.ndots = rows[i].ndots};
		strv_push(&search.domains, "one.test");
		strv_push(&search.domains, "two.test");
		for (size_t n = 0; n < ARRAY_LEN(rows[i].names); n++) {
			AUTO(mem_free) char *name = resolve_steps_name(&search, rows[i].host, n);
			if (rows[i].names[n] == NULL) {
				assert_null(name);
				break;
			}
			assert_non_null(name);
			assert_string_equal(name, rows[i].names[n]);
			assert_int_equal(resolve_steps_is_absolute(&search, rows[i].host, n),
				n == rows[i].absolute);
		}
		strv_fini(&search.domains);
	}
}

static void without_search_domains_a_name_is_asked_once(void **state)
{
	struct resolve_search search = {.ndots = 5};
	(void)state;
	AUTO(mem_free) char *name = resolve_steps_name(&search, "api", 0);
	assert_string_equal(name, "api");
	assert_true(resolve_steps_is_absolute(&search, "api", 0));
	assert_null(resolve_steps_name(&search, "api", 1));
	assert_false(resolve_steps_has_more(&search, "api", 0));
}

static void two_answers_say_what_to_do(void **state)
{
	enum {
		P = RESOLVE_PENDING,
		F = RESOLVE_FOUND,
		E = RESOLVE_EMPTY,
		A = RESOLVE_ABSENT,
		X = RESOLVE_FAILED
	};
	static const struct {
		int a, b;
		enum resolve_move move;
	} rows[] = {
		{P, P, RESOLVE_WAIT},
		{P, F, RESOLVE_WAIT_SHORTLY},
		{P, E, RESOLVE_WAIT},
		{P, A, RESOLVE_WAIT_SHORTLY},
		{P, X, RESOLVE_WAIT},
		{F, F, RESOLVE_DELIVER},
		{F, E, RESOLVE_DELIVER},
		{F, A, RESOLVE_DELIVER},
		{F, X, RESOLVE_DELIVER},
		{E, E, RESOLVE_NEXT},
		{E, A, RESOLVE_NEXT},
		{E, X, RESOLVE_NEXT},
		{A, A, RESOLVE_NEXT},
		{A, X, RESOLVE_NEXT},
		{X, X, RESOLVE_NEXT},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum resolve_state a = (enum resolve_state)rows[i].a;
		enum resolve_state b = (enum resolve_state)rows[i].b;
		bool is_failed = rows[i].a == P && rows[i].b == X;
		enum resolve_move before_others = is_failed ? RESOLVE_WAIT_SHORTLY : rows[i].move;
		assert_int_equal(resolve_steps_move(a, b, false), rows[i].move);
		assert_int_equal(resolve_steps_move(b, a, false), rows[i].move);
		assert_int_equal(resolve_steps_move(a, b, true), before_others);
		assert_int_equal(resolve_steps_move(b, a, true), before_others);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_asked_in_the_order_of_resolvers),
		cmocka_unit_test(without_search_domains_a_name_is_asked_once),
		cmocka_unit_test(two_answers_say_what_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
