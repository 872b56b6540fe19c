#include "lib/io/httpd_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct parse_row {
	const char *text;
	int status;
	const char *method;
	const char *path;
	const char *query;
	bool has_body;
};

static const struct parse_row rows[] = {
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET", "/", "", false},
	{"GET /healthz HTTP/1.0\n\n", 0, "GET", "/healthz", "", false},
	{"\r\n\r\nHEAD /x?a=b&c HTTP/1.1\r\n\r\n", 0, "HEAD", "/x", "a=b&c", false},
	{"GET /a?b?c HTTP/1.9\r\n\r\n", 0, "GET", "/a", "b?c", false},
	{"GET /%2e%2E//x HTTP/1.1\r\n\r\n", 0, "GET", "/%2e%2E//x", "", false},
	{"GET http://h:80/p?q HTTP/1.1\r\n\r\n", 0, "GET", "/p", "q", false},
	{"GET HTTP://h HTTP/1.1\r\n\r\n", 0, "GET", "/", "", false},
	{"GET http://h?q HTTP/1.1\r\n\r\n", 0, "GET", "/", "q", false},
	{"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0, "POST", "/x", "", false},
	{"POST /x HTTP/1.1\r\nContent-length:5\r\n\r\n", 0, "POST", "/x", "", true},
	{"POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 0, "POST", "/x", "",
		true},
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0, "GET", "/", "", false},
	{"GET / HTTP/1.1\r\nX: \t caf\xc3\xa9 \t\r\n\r\n", 0, "GET", "/", "", false},
	{"GET / HTTP/1.1\r\nX:\r\n\r\n", 0, "GET", "/", "", false},
	/* request line */
	{"GET /\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET  / HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1 \r\n\r\n", 400, NULL, NULL, NULL, false},
	{" GET / HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET\t/\tHTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"G(T / HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET x HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"OPTIONS * HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"CONNECT h:80 HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET http:///x HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET /a#b HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET /a\x01 HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET /caf\xc3\xa9 HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.10\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / http/1.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/a.1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/2.0\r\n\r\n", 505, NULL, NULL, NULL, false},
	{"PRI * HTTP/2.0\r\n\r\n", 505, NULL, NULL, NULL, false},
	{"GET / HTTP/0.9\r\n\r\n", 505, NULL, NULL, NULL, false},
	/* fields */
	{"GET / HTTP/1.1\r\nX : y\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\n: y\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\n folded: a\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nX: a\x7f\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nX: a\r\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400, NULL, NULL, NULL, false},
	{"GET / HTTP/1.1\r\nContent-Length: 0, 0\r\n\r\n", 400, NULL, NULL, NULL, false},
};

static void heads_are_parsed_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct parse_row *row = &rows[i];
		size_t len = strlen(row->text);
		AUTO(mem_free) char *data = malloc(len);
		struct httpd_head head;
		memcpy(data, row->text, len);
		assert_int_equal(httpd_head_end(data, len), len);
		int status = httpd_head_parse(data, len, &head);
		if (status != row->status)
			fail_msg("row %zu: status %d, want %d: %s", i, status, row->status,
				row->text);
		if (row->status != 0)
			continue;
		assert_string_equal(head.method, row->method);
		assert_string_equal(head.path, row->path);
		assert_string_equal(head.query, row->query);
		assert_int_equal(head.has_body, row->has_body);
	}
}

static void nul_is_refused_everywhere(void **state)
{
	static const char text[] = "GET /path HTTP/1.1\r\nName: value\r\n\r\n";
	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char data[sizeof(text)];
		struct httpd_head head;
		memcpy(data, text, sizeof(text));
		data[i] = '\0';
		size_t end = httpd_head_end(data, sizeof(text) - 1);
		if (end == 0) /* it replaced a line end that is needed */
			continue;
		if (httpd_head_parse(data, end, &head) != 400)
			fail_msg("NUL at %zu was accepted", i);
	}
}

static void the_end_is_found_at_the_right_byte(void **state)
{
	static const char text[] = "\r\n\nGET / HTTP/1.1\r\nA: b\r\n\r\nrest\r\n\r\n";
	size_t want = (size_t)(strstr(text, "rest") - text);
	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_int_equal(httpd_head_end(text, len), len < want ? 0 : want);
}

static void fields_are_found_without_case(void **state)
{
	char text[] = "GET / HTTP/1.1\r\nAccept:  x y \r\nACCEPT: z\r\nEmpty:\r\n\r\n";
	struct httpd_head head;
	(void)state;
	assert_int_equal(httpd_head_parse(text, sizeof(text) - 1, &head), 0);
	assert_int_equal(head.field_count, 3);
	assert_string_equal(httpd_head_field(&head, "accept"), "x y");
	assert_string_equal(httpd_head_field(&head, "EMPTY"), "");
	assert_null(httpd_head_field(&head, "Accep"));
}

static void the_number_of_fields_is_limited(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		char text[4096] = "GET / HTTP/1.1\n";
		struct httpd_head head;
		size_t len = strlen(text);
		for (int i = 0; i < HTTPD_FIELDS_MAX + extra; i++, len += 3)
			memcpy(text + len, "a:\n", 3);
		text[len++] = '\n';
		assert_int_equal(httpd_head_parse(text, len, &head), extra == 0 ? 0 : 431);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_parsed_or_refused),
		cmocka_unit_test(nul_is_refused_everywhere),
		cmocka_unit_test(the_end_is_found_at_the_right_byte),
		cmocka_unit_test(fields_are_found_without_case),
		cmocka_unit_test(the_number_of_fields_is_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
