#include "lib/base/b64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

/* RFC 4648 section 10, and the two signs beyond letters and digits. */
static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+"}};

static void known_texts_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct err e;
		AUTO(buf_fini) struct buf to = BUF_INIT(100);
		AUTO(buf_fini) struct buf back = BUF_INIT(100);
		size_t len = strlen(vectors[i][0]);
		assert_int_equal(b64_encode(vectors[i][0], len, &to, &e), 0);
		assert_string_equal(buf_cstr(&to), vectors[i][1]);
		assert_int_equal(b64_decode(vectors[i][1], strlen(vectors[i][1]), &back, &e), 0);
		assert_int_equal(back.len, len);
		assert_string_equal(buf_cstr(&back), vectors[i][0]);
	}
}

static void all_bytes_come_back(void **state)
{
	(void)state;
	unsigned char bytes[256];
	struct err e;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		AUTO(buf_fini) struct buf to = BUF_INIT(1000);
		AUTO(buf_fini) struct buf back = BUF_INIT(1000);
		assert_int_equal(b64_encode(bytes, len, &to, &e), 0);
		assert_int_equal(b64_decode(to.data, to.len, &back, &e), 0);
		assert_int_equal(back.len, len);
		if (len > 0)
			assert_memory_equal(back.data, bytes, len);
	}
}

static void bad_text_is_refused_and_out_kept(void **state)
{
	(void)state;
	static const char *const bad[] = {"A", "AA", "AAA", "AAAAA", "====", "A===", "=AAA", "AA=A",
		"AAA\n", "AAAA\n", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v Zg==", "A-_A",
		"Zm9vZ\xc3\xa9=", "AA==AAAA", "AAA*", "Zm9vAA*="};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e;
		AUTO(buf_fini) struct buf out = BUF_INIT(100);
		assert_int_equal(buf_append_str(&out, "kept", &e), 0);
		assert_int_equal(b64_decode(bad[i], strlen(bad[i]), &out, &e), -EINVAL);
		assert_string_equal(buf_cstr(&out), "kept");
		assert_int_equal(out.len, 4);
	}
}

static void output_is_added_within_the_cap(void **state)
{
	(void)state;
	struct err e;
	AUTO(buf_fini) struct buf out = BUF_INIT(8);
	assert_int_equal(b64_encode("abc", 3, &out, &e), 0);
	assert_int_equal(b64_encode("abc", 3, &out, &e), 0);
	assert_string_equal(buf_cstr(&out), "YWJjYWJj");
	assert_int_equal(b64_encode("a", 1, &out, &e), -EMSGSIZE);
	assert_int_equal(b64_decode("YQ==", 4, &out, &e), -EMSGSIZE);
	assert_int_equal(b64_encode("", SIZE_MAX, &out, &e), -EMSGSIZE);
	assert_string_equal(buf_cstr(&out), "YWJjYWJj");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_both_ways),
		cmocka_unit_test(all_bytes_come_back),
		cmocka_unit_test(bad_text_is_refused_and_out_kept),
		cmocka_unit_test(output_is_added_within_the_cap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
