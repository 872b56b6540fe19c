#include "lib/base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void set_copy_and_unset(void **state)
{
	(void)state;
	AUTO(secret_fini) struct secret a = {0};
	AUTO(secret_fini) struct secret b = {0};
	assert_false(secret_is_set(&a));
	assert_string_equal(secret_str(&a), "");
	secret_set_str(&a, "tskey-1");
	assert_true(secret_is_set(&a));
	assert_string_equal(secret_str(&a), "tskey-1");
	secret_copy(&b, &a);
	secret_copy(&b, &b);
	assert_string_equal(secret_str(&b), "tskey-1");
	assert_ptr_not_equal(a.data, b.data);
	secret_set_str(&a, NULL);
	assert_false(secret_is_set(&a));
	secret_copy(&b, &a);
	assert_null(b.data);
	secret_set(&a, "", 0);
	assert_non_null(a.data);
	assert_false(secret_is_set(&a));
	secret_set(&a, "a\0b", 3);
	assert_int_equal(a.len, 3);
	assert_memory_equal(a.data, "a\0b", 4);
}

static void set_takes_a_part_of_itself(void **state)
{
	(void)state;
	AUTO(secret_fini) struct secret s = {0};
	secret_set_str(&s, "  key\n");
	secret_set(&s, s.data + 2, 3);
	assert_string_equal(secret_str(&s), "key");
}

static void equal_compares_content(void **state)
{
	(void)state;
	AUTO(secret_fini) struct secret unset = {0};
	AUTO(secret_fini) struct secret empty = {0};
	AUTO(secret_fini) struct secret a = {0};
	AUTO(secret_fini) struct secret b = {0};
	secret_set_str(&empty, "");
	secret_set_str(&a, "abc");
	secret_set_str(&b, "abc");
	assert_true(secret_equal(&unset, &empty));
	assert_true(secret_equal(&a, &b));
	assert_false(secret_equal(&a, &empty));
	secret_set_str(&b, "abd");
	assert_false(secret_equal(&a, &b));
	secret_set_str(&b, "abcd");
	assert_false(secret_equal(&a, &b));
}

static void sizes_around_a_page(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 4094, 4095, 4096, 4097, 100000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		AUTO(secret_fini) struct secret s = {0};
		char *bytes = xmalloc(sizes[i]);
		memset(bytes, 'k', sizes[i]);
		secret_set(&s, bytes, sizes[i]);
		assert_int_equal(strlen(secret_str(&s)), sizes[i]);
		free(bytes);
	}
}

/* smaps shows the flags of a mapping; "dd" is "do not dump" (proc(5)). */
static void pages_stay_out_of_core_files(void **state)
{
	(void)state;
	AUTO(secret_fini) struct secret s = {0};
	secret_set_str(&s, "tskey-auth");
	FILE *f = fopen("/proc/self/smaps", "re");
	assert_non_null(f);
	char line[512];
	bool here = false;
	bool found = false;
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned long from;
		unsigned long to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)s.data >= from && (uintptr_t)s.data < to;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(f);
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_copy_and_unset),
		cmocka_unit_test(set_takes_a_part_of_itself),
		cmocka_unit_test(equal_compares_content),
		cmocka_unit_test(sizes_around_a_page),
		cmocka_unit_test(pages_stay_out_of_core_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
