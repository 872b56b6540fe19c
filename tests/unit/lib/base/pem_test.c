#include "lib/base/pem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"
/* A sequence of one byte; one of 60 bytes, which takes more than a line. */
#define SHORT "MAEA\n"
#define LONG                                                                 \
	"MDwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" \
	"AAAAAAAAAAAAAAAAAAA=\n"
/* The length in two more bytes: 128 of them. */
#define FORM_81 "MIGA"

static int read_text(const char *text, struct buf *out, size_t *count, struct err *e)
{
	return pem_certificates(text, strlen(text), out, count, e);
}

static const struct {
	const char *text, *want;
	size_t count;
} good[] = {
	{BEGIN SHORT END, BEGIN SHORT END, 1},
	/* text between, no end of the last line, Windows' ends of lines, blanks */
	{"# Subject: CN=a\n" BEGIN SHORT END "\nand\n" BEGIN SHORT "-----END CERTIFICATE-----",
		BEGIN SHORT END BEGIN SHORT END, 2},
	{"-----BEGIN CERTIFICATE-----\r\nMAEA\r\n-----END CERTIFICATE----- \r\n", BEGIN SHORT END,
		1},
	{BEGIN " M A\n\tEA\n\n" END, BEGIN SHORT END, 1},
	/* lines of another length */
	{BEGIN "MDwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" END,
		BEGIN LONG END, 1},
};

static void certificates_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = {0};
		size_t count;
		AUTO(buf_fini) struct buf out = BUF_INIT(4096);
		if (read_text(good[i].text, &out, &count, &e) < 0)
			fail_msg("%zu: %s", i, e.msg);
		assert_string_equal(buf_cstr(&out), good[i].want);
		assert_int_equal(count, good[i].count);
	}
}

static const struct {
	const char *text, *sentence;
} bad[] = {
	{"", "line 1: the file is empty"},
	{"\n", "line 1: no \"-----BEGIN CERTIFICATE-----\" from here to the end"},
	{"MAEA\n", "line 1: no \"-----BEGIN CERTIFICATE-----\" from here to the end"},
	{"-----BEGIN PRIVATE KEY-----\nMAEA\n-----END PRIVATE KEY-----\n",
		"line 1: \"-----BEGIN PRIVATE KEY-----\": only certificates may be in it"},
	{BEGIN SHORT END "-----BEGIN TRUSTED CERTIFICATE-----\n",
		"line 4: \"-----BEGIN TRUSTED CERTIFICATE-----\": only certificates may be in it"},
	{"x\n  " BEGIN SHORT END, "line 2: \"  -----BEGIN CERTIFICATE-----\" must begin its line"},
	{"\xef\xbb\xbf" BEGIN SHORT END,
		"line 1: \"\\ufeff-----BEGIN CERTIFICATE-----\" must begin its line"},
	{SHORT END, "line 2: \"-----END CERTIFICATE-----\" without its begin"},
	{BEGIN SHORT, "line 1: the certificate that begins here has no end"},
	{BEGIN "MA=!\n" END, "line 2: not base64, in the certificate that begins on line 1"},
	{BEGIN SHORT BEGIN SHORT END,
		"line 3: not base64, in the certificate that begins on line 1"},
	{BEGIN "Proc-Type: 4,ENCRYPTED\n" END,
		"line 2: not base64, in the certificate that begins on line 1"},
	{"x\n" BEGIN "MAE\n" END,
		"line 2: the certificate that begins here: base64 of 3 characters, not a multiple "
		"of 4"},
	{BEGIN END, "line 1: what begins here is not a whole certificate"},
	{BEGIN "MAIA\n" END, "line 1: what begins here is not a whole certificate"},
	{BEGIN "MQEA\n" END, "line 1: what begins here is not a whole certificate"},
	{BEGIN FORM_81 "\n" END, "line 1: what begins here is not a whole certificate"},
	{BEGIN "MIAA\n" END, "line 1: what begins here is not a whole certificate"},
	{BEGIN "MIUA\n" END, "line 1: what begins here is not a whole certificate"},
};

static void faults_are_named_with_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};
		size_t count;
		AUTO(buf_fini) struct buf out = BUF_INIT(4096);
		assert_int_equal(read_text(bad[i].text, &out, &count, &e), -EINVAL);
		assert_string_equal(e.msg, bad[i].sentence);
	}
}

static void a_byte_0_is_a_fault(void **state)
{
	(void)state;
	static const char text[] = BEGIN "MA\0EA\n" END;
	struct err e = {0};
	size_t count;
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	assert_int_equal(pem_certificates(text, sizeof(text) - 1, &out, &count, &e), -EINVAL);
}

static void the_cap_holds(void **state)
{
	(void)state;
	struct err e = {0};
	size_t count;
	AUTO(buf_fini) struct buf out = BUF_INIT(sizeof(BEGIN));
	assert_int_equal(read_text(BEGIN SHORT END, &out, &count, &e), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_read),
		cmocka_unit_test(faults_are_named_with_their_line),
		cmocka_unit_test(a_byte_0_is_a_fault),
		cmocka_unit_test(the_cap_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
