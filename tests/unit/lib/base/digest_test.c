#include "lib/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_digest(const void *data, size_t len, const char *want)
{
	struct digest d;
	char hex[2 * DIGEST_BYTES + 1];
	digest_of(data, len, &d);
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", d.bytes[i]);
	assert_string_equal(hex, want);
}

/* FIPS 180-4 examples. */
static void known_texts(void **state)
{
	(void)state;
	assert_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void equal_means_same_content(void **state)
{
	(void)state;
	struct digest a;
	struct digest b;
	digest_of("abc", 3, &a);
	digest_of("abc", 3, &b);
	assert_true(digest_equal(&a, &b));
	digest_of("abd", 3, &b);
	assert_false(digest_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts),
		cmocka_unit_test(equal_means_same_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
