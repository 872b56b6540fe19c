#include "lib/io/fetch_stream.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

#define CHUNKED_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	struct raw_server *server;
	char *dir;
	char *socket;
	struct fetch *fetch;
	/* what was received */
	unsigned int heads;
	unsigned int pieces;
	unsigned int ends;
	size_t bytes;
	size_t largest;
	int status;
	char body[64];
	struct err err;
	/* what the consumer does */
	int refuse_head;
	int refuse_data;
	bool is_inside;
	bool cancels;
	bool starts_another;
	unsigned int others;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	if (f->fetcher == NULL)
		return -1;
	f->dir = tempdir_new();
	f->socket = tempdir_path(f->dir, "sock");
	f->server = raw_server_new(f->loop, f->socket);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	fetcher_free(f->fetcher);
	raw_server_free(f->server);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->socket);
	free(f);
	return 0;
}

static void on_other(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	assert_null(err);
	assert_int_equal(reply->status, 200);
	f->others++;
}

static int on_head(void *arg, const struct fetch_reply *head, struct err *e)
{
	struct fixture *f = arg;
	f->heads++;
	f->status = head->status;
	return f->refuse_head < 0 ? err_set(e, f->refuse_head, "no thanks") : 0;
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct fixture *f = arg;
	(void)data;
	f->pieces++;
	f->bytes += len;
	f->largest = len > f->largest ? len : f->largest;
	if (f->starts_another) {
		struct fetch_request other = {
			.method = "GET", .url = "http://x/other", .unix_socket = f->socket};
		f->starts_another = false;
		f->server->reply =
			(struct raw_reply){.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
		assert_non_null(fetch_start(f->fetcher, &other, on_other, f, e));
	}
	if (f->cancels)
		fetch_cancel(f->fetch);
	return f->refuse_data;
}

static void on_end(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	f->ends++;
	f->status = reply->status;
	snprintf(f->body, sizeof(f->body), "%s", reply->body);
	err_clear(&f->err);
	if (err != NULL)
		f->err = *err;
}

static bool is_inside(void *arg)
{
	const struct fixture *f = arg;
	return f->is_inside;
}

static void start(struct fixture *f, uint32_t stall_ms)
{
	struct err e = {0};
	struct fetch_stream_sink sink = {.on_head = on_head,
		.on_data = on_data,
		.on_end = on_end,
		.is_inside = is_inside,
		.arg = f};
	struct fetch_request request = {.method = "GET",
		.url = "http://local-tailscaled.sock/localapi/v0/watch-ipn-bus?mask=28804",
		.unix_socket = f->socket,
		.stall_ms = stall_ms};
	f->fetch = fetch_stream_start(f->fetcher, &request, &sink, &e);
	assert_non_null(f->fetch);
}

static void wait_pieces(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(f->loop, &f->pieces, count, LOOP_WAIT_MS));
}

static void wait_end(struct fixture *f)
{
	assert_true(loop_wait_count(f->loop, &f->ends, 1, LOOP_WAIT_MS));
	assert_int_equal(f->ends, 1);
}

static void pieces_come_at_once_and_silence_is_fine(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "3\r\n{}\n\r\n";
	fake_clock_install(1000);
	start(f, 5000);
	wait_pieces(f, 1);
	assert_int_equal(f->bytes, 3);
	fake_clock_advance_ms(24u * 3600 * 1000);
	assert_true(loop_wait_idle(f->loop, 5));
	raw_server_say(f->server, "4\r\n{ }\n\r\n");
	wait_pieces(f, 2);
	assert_int_equal(f->ends, 0);
	raw_server_say(f->server, "0\r\n\r\n");
	wait_end(f);
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->status, 200);
	assert_int_equal(f->heads, 1);
	assert_int_equal(f->bytes, 7);
}

static void a_stall_inside_a_message_ends_it(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "2\r\n{\n\r\n";
	f->is_inside = true;
	fake_clock_install(1000);
	start(f, 5000);
	wait_pieces(f, 1);
	fake_clock_advance_ms(4999);
	assert_true(loop_wait_idle(f->loop, 5));
	raw_server_say(f->server, "1\r\n \r\n");
	wait_pieces(f, 2);
	fake_clock_advance_ms(4999);
	assert_true(loop_wait_idle(f->loop, 5));
	assert_int_equal(f->ends, 0);
	fake_clock_advance_ms(1);
	wait_end(f);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_non_null(strstr(f->err.msg, "in the middle of a message"));
	assert_null(strstr(f->err.msg, "mask"));
}

static void a_head_that_does_not_come_ends_it(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000);
	start(f, 0);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	fake_clock_advance_ms(FETCH_STREAM_HEAD_MS);
	wait_end(f);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_int_equal(f->heads, 0);
}

static void a_stream_that_breaks_is_an_error(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "3\r\n{}\n\r\n";
	f->server->reply.after = RAW_CLOSE;
	start(f, 0);
	wait_end(f);
	assert_int_equal(f->err.code, -ECONNRESET);
	assert_int_equal(f->bytes, 3);
}

static void a_refusal_shows_its_body(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text =
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 18\r\n\r\n{\"Error\":\"denied\"}";
	start(f, 0);
	wait_end(f);
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->status, 403);
	assert_string_equal(f->body, "{\"Error\":\"denied\"}");
	assert_int_equal(f->heads, 0);
	assert_int_equal(f->pieces, 0);
}

static void the_consumer_ends_it_with_its_own_error(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "3\r\n{}\n\r\n";
	f->refuse_data = -EBADMSG;
	start(f, 0);
	wait_end(f);
	assert_int_equal(f->err.code, -EBADMSG);
	assert_true(f->err.msg[0] != '\0');
	assert_int_equal(f->pieces, 1);
}

static void the_consumer_refuses_a_head(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "3\r\n{}\n\r\n";
	f->refuse_head = -EPERM;
	start(f, 0);
	wait_end(f);
	assert_int_equal(f->err.code, -EPERM);
	assert_string_equal(f->err.msg, "no thanks");
	assert_int_equal(f->pieces, 0);
}

static void it_can_be_cancelled_from_within(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "3\r\n{}\n\r\n3\r\n{}\n\r\n";
	f->cancels = true;
	f->is_inside = true;
	start(f, 50);
	wait_pieces(f, 1);
	assert_true(loop_wait_idle(f->loop, 100));
	assert_int_equal(f->pieces, 1);
	assert_int_equal(f->ends, 0);
	assert_int_equal(f->server->open_count, 0);
}

static void requests_can_be_started_from_within(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = CHUNKED_HEAD "3\r\n{}\n\r\n";
	f->starts_another = true;
	start(f, 0);
	assert_true(loop_wait_count(f->loop, &f->others, 1, LOOP_WAIT_MS));
	assert_int_equal(f->ends, 0);
}

static size_t resident_bytes(void)
{
	unsigned long long size = 0;
	unsigned long long resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu %llu", &size, &resident), 2);
	fclose(file);
	return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* One line of 42 MB, as the first message of a large network is. */
static void a_huge_line_is_never_held(void **state)
{
	struct fixture *f = *state;
	enum {
		CHUNK = 0x8000,
		HEAD = 6
	};
	static char block[HEAD + CHUNK + 2];
	memset(block, 'x', sizeof(block));
	memcpy(block, "8000\r\n", HEAD);
	memcpy(block + HEAD + CHUNK, "\r\n", 2);
	f->server->reply = (struct raw_reply){.text = CHUNKED_HEAD,
		.block = block,
		.block_len = sizeof(block),
		.repeat = 1280,
		.tail = "0\r\n\r\n"};
	f->is_inside = true;
	start(f, 5000);
	wait_pieces(f, 1);
	size_t before = resident_bytes();
	uint64_t begin = clock_now_ns();
	wait_end(f);
	uint64_t took_us = (clock_now_ns() - begin) / 1000;
	size_t after = resident_bytes();
	size_t grown = after > before ? after - before : 0;
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->bytes, (size_t)CHUNK * 1280);
	assert_true(f->largest <= 64 * 1024);
	print_message("%zu bytes in %llu us, %u pieces, largest %zu, resident +%zu KiB\n", f->bytes,
		(unsigned long long)took_us, f->pieces, f->largest, grown / 1024);
	/* The shadow memory of a sanitizer counts, too. */
	assert_true(grown < 8u * 1024 * 1024);
}

int main(void)
{
#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STREAM_TEST(pieces_come_at_once_and_silence_is_fine),
		STREAM_TEST(a_stall_inside_a_message_ends_it),
		STREAM_TEST(a_head_that_does_not_come_ends_it),
		STREAM_TEST(a_stream_that_breaks_is_an_error),
		STREAM_TEST(a_refusal_shows_its_body),
		STREAM_TEST(the_consumer_ends_it_with_its_own_error),
		STREAM_TEST(the_consumer_refuses_a_head),
		STREAM_TEST(it_can_be_cancelled_from_within),
		STREAM_TEST(requests_can_be_started_from_within),
		STREAM_TEST(a_huge_line_is_never_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
