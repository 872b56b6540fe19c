#include "boot/datapath/datapath_wants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tailnet.h"

/* "a b 100.64.0.1": names, and addresses where there is a digit at the begin. */
static bool take(struct datapath_wants *w, const char *words)
{
	AUTO(strv_fini) struct strv all = {0};
	struct strv names = {0};
	struct nft_addresses routes = {0};
	str_words(words, &all);
	for (size_t i = 0; i < all.len; i++) {
		const char *word = all.items[i];
		if (word[0] < '0' || word[0] > '9') {
			strv_push(&names, word);
			continue;
		}
		struct ipaddr addr = tailnet_addr(word);
		nft_addresses_add(&routes, &addr);
	}
	bool is_new = datapath_wants_adopt(w, &names, &routes);
	assert_int_equal(names.len, 0);
	assert_int_equal(routes.len, 0);
	return is_new;
}

static void only_what_is_more_is_new(void **state)
{
	(void)state;
	struct datapath_wants w = {0};
	static const struct {
		const char *words;
		bool is_new;
	} rows[] = {
		{"", false},
		{"b a", true},
		{"a b a", false},
		{"a", false},
		{"a b", true}, /* it was dropped meanwhile */
		{"a c", true},
		{"c 100.64.0.1", true},
		{"c 100.64.0.2 100.64.0.1", true},
		{"100.64.0.2 100.64.0.2", false},
		{"", false},
		{"100.64.0.2", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(take(&w, rows[i].words), rows[i].is_new);
	datapath_wants_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_more_is_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
