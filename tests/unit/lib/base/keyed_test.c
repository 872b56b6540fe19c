#include "lib/base/keyed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct item {
	char *key;
	int value;
};

static struct item *item_new(const char *key, int value)
{
	struct item *item = xcalloc(1, sizeof(*item));
	item->key = xstrdup(key);
	item->value = value;
	return item;
}

static void item_free(void *p)
{
	struct item *item = p;
	if (item != NULL)
		free(item->key);
	free(item);
}

static void items_are_found_and_sorted(void **state)
{
	static const char *const keys[] = {"b", "a/c", "", "a", "c", "a.c"};
	static const char *const sorted[] = {"", "a", "a.c", "a/c", "b", "c"};
	struct keyed k = {0};
	(void)state;
	assert_null(keyed_find(&k, "a"));
	assert_null(keyed_remove(&k, "a"));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_null(keyed_put(&k, item_new(keys[i], (int)i)));
	assert_int_equal(k.len, ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct item *item = k.items[i];
		assert_string_equal(item->key, sorted[i]);
		assert_int_equal(((struct item *)keyed_find(&k, keys[i]))->value, i);
	}
	assert_null(keyed_find(&k, "aa"));
	keyed_fini(&k, item_free);
	assert_int_equal(k.len, 0);
}

static void the_same_key_replaces(void **state)
{
	struct keyed k = {0};
	(void)state;
	keyed_put(&k, item_new("a", 1));
	struct item *before = keyed_put(&k, item_new("a", 2));
	assert_int_equal(before->value, 1);
	item_free(before);
	assert_int_equal(k.len, 1);
	struct item *removed = keyed_remove(&k, "a");
	assert_int_equal(removed->value, 2);
	item_free(removed);
	assert_int_equal(k.len, 0);
	keyed_fini(&k, item_free);
}

/* Against a table that is indexed by the key. */
static void random_changes_keep_the_order(void **state)
{
	enum {
		KEYS = 200
	};
	struct item *model[KEYS] = {0};
	struct keyed k = {0};
	unsigned int seed = 7;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		int n = rand_r(&seed) % KEYS;
		AUTO(mem_free) char *key = xasprintf("key%d", n);
		void *before;
		if (rand_r(&seed) % 3 > 0) {
			struct item *item = item_new(key, round);
			before = keyed_put(&k, item);
			assert_ptr_equal(before, model[n]);
			model[n] = item;
		} else {
			before = keyed_remove(&k, key);
			assert_ptr_equal(before, model[n]);
			model[n] = NULL;
		}
		item_free(before);
		assert_ptr_equal(keyed_find(&k, key), model[n]);
	}
	for (size_t i = 1; i < k.len; i++)
		assert_true(strcmp(*(char **)k.items[i - 1], *(char **)k.items[i]) < 0);
	keyed_fini(&k, item_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_found_and_sorted),
		cmocka_unit_test(the_same_key_replaces),
		cmocka_unit_test(random_changes_keep_the_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
