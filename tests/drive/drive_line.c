#include "tests/drive/drive_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"

#define LINE_MAX_BYTES (4u * 1024 * 1024)
#define ROOM_BYTES (64u * 1024) /* for lines with secrets: they are wiped where they stand */

struct input {
	struct loop *loop;
	struct buf in;
	drive_line_fn fn;
	void *arg;
};

void drive_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "driven program: %s\n", what);
	exit(1);
}

void drive_say(struct json *event_take)
{
	AUTO(json_freep) struct json *event = event_take;
	AUTO(mem_free) char *text = json_print(event);
	printf("%s\n", text);
	fflush(stdout);
}

const char *drive_text(const struct json *command, const char *key)
{
	return json_str(json_get(command, key));
}

const char *drive_text_or(const struct json *command, const char *key, const char *otherwise)
{
	const char *text = drive_text(command, key);
	return text != NULL ? text : otherwise;
}

static void on_line(struct input *input, const char *line, size_t len)
{
	struct err e;
	AUTO(json_freep) struct json *command = json_parse(line, len, &e);
	drive_must(command != NULL, "a command");
	input->fn(input->arg, command);
}

static void on_input(void *arg, uint32_t events)
{
	struct input *input = arg;
	char chunk[65536];
	struct err e;
	(void)events;
	ssize_t n = read(0, chunk, sizeof(chunk));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		loop_stop(input->loop);
		return;
	}
	drive_must(buf_append(&input->in, chunk, (size_t)n, &e) == 0, "a line is too long");
	explicit_bzero(chunk, (size_t)n);
	const char *end;
	while ((end = memchr(buf_cstr(&input->in), '\n', input->in.len)) != NULL) {
		size_t len = (size_t)(end - buf_cstr(&input->in));
		on_line(input, buf_cstr(&input->in), len);
		explicit_bzero(input->in.data, len);
		buf_consume(&input->in, len + 1);
		/* Bytes behind the moved rest are still those of the line. */
		explicit_bzero(input->in.data + input->in.len, input->in.cap - input->in.len);
	}
}

void drive_run(struct loop *loop, drive_line_fn fn, void *arg)
{
	struct input input = {.loop = loop, .in = BUF_INIT(LINE_MAX_BYTES), .fn = fn, .arg = arg};
	struct err e = {0};
	drive_must(fcntl(0, F_SETFL, O_NONBLOCK) == 0, "standard input");
	drive_must(buf_reserve(&input.in, ROOM_BYTES, &e) == 0, "memory");
	struct loop_source *source = loop_add(loop, 0, EPOLLIN, on_input, &input, &e);
	drive_must(source != NULL, e.msg);
	drive_must(loop_run(loop, &e) == 0, e.msg);
	loop_source_remove(source);
	buf_wipe(&input.in);
}
