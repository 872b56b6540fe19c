/*
 * The reports and the error are the same for every division of a text into pieces. A text that
 * json_parse accepts is one document for the scanner, and each value reported whole from it parses.
 *
 * The first four bytes of the input seed the sizes of the pieces.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jscan.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAPTURE_MAX 64
#define TRANSCRIPT_MAX ((size_t)64 * 1024 * 1024)

static const struct jscan_rule rules[] = {
	{.id = 1, .path = {"a"}, .what = JSCAN_VALUE},
	{.id = 2, .path = {"b", "*"}, .what = JSCAN_MARK},
	{.id = 3, .path = {"b", "*", "c"}, .what = JSCAN_VALUE},
	{.id = 4, .path = {"b", "*", "d", "*"}, .what = JSCAN_VALUE},
	{.id = 5, .path = {"*", "*", "*", "*", "*", "*"}, .what = JSCAN_MARK},
	{.id = 6, .path = {"b"}, .what = JSCAN_MARK},
	{.id = 7, .path = {"a", "b"}, .what = JSCAN_VALUE},
	{.id = 8, .path = {NULL}, .what = JSCAN_MARK},
};

struct transcript {
	struct buf text;
	size_t documents;
	int open_marks;
	bool is_json; /* values must parse */
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int write_report(void *arg, const struct jscan_event *event, struct err *e)
{
	struct transcript *t = arg;
	if (event->kind == JSCAN_GOT_DOCUMENT) {
		t->documents++;
		require(t->open_marks == 0);
	}
	t->open_marks += event->kind == JSCAN_GOT_BEGIN;
	t->open_marks -= event->kind == JSCAN_GOT_END;
	require(t->open_marks >= 0);
	if (event->text != NULL && t->is_json) {
		struct err ignored;
		AUTO(json_freep) struct json *value = json_parse(event->text, event->len, &ignored);
		require(value != NULL);
	}
	return buf_printf(&t->text, e, "%d %d [%s] [%s] %zu %d\n", event->kind, event->id,
		event->key, event->text != NULL ? event->text : "", event->len, event->truncated);
}

/* Sizes from a small linear congruential generator; zero is among them. */
static size_t next_size(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	uint32_t bits = *seed >> 16;
	return bits % (bits & 0x8000 ? 40 : 4);
}

static int feed_pieces(struct jscan *s, const char *text, size_t len, uint32_t seed, struct err *e)
{
	for (size_t at = 0; at < len;) {
		size_t n = next_size(&seed);
		n = n < len - at ? n : len - at;
		/* Freed after the call: nothing may be read from it later. */
		AUTO(mem_free) char *piece = xmalloc(n);
		if (n > 0)
			memcpy(piece, text + at, n);
		if (jscan_feed(s, piece, n, e) < 0)
			return e->code;
		at += n;
	}
	return jscan_finish(s, e);
}

static int scan(const char *text, size_t len, const uint32_t *seed, struct transcript *t)
{
	struct err e = {0};
	struct jscan *s = jscan_new(rules, ARRAY_LEN(rules), CAPTURE_MAX, write_report, t);
	int r;
	if (seed != NULL)
		r = feed_pieces(s, text, len, *seed, &e);
	else
		r = jscan_feed(s, text, len, &e) < 0 ? e.code : jscan_finish(s, &e);
	if (r < 0)
		require(buf_append_str(&t->text, e.msg, &e) == 0);
	else
		require(!jscan_is_inside(s));
	jscan_free(s);
	return r;
}

/* The helpers for reported text agree with the tree. */
static void compare_values(const char *text, size_t len, const struct json *tree)
{
	struct err e = {0};
	AUTO(buf_fini) struct buf decoded = BUF_INIT(CAPTURE_MAX);
	int64_t number;
	int64_t tree_number;
	bool flag;
	int r = jscan_unquote(text, len, &decoded, &e);
	if (r == 0)
		require(json_type(tree) == JSON_STRING &&
			strcmp(json_str(tree), buf_cstr(&decoded)) == 0);
	else
		require(json_type(tree) != JSON_STRING || r == -EMSGSIZE || text[0] != '"' ||
			text[len - 1] != '"');
	if (jscan_i64(text, len, &number))
		require(json_i64(tree, &tree_number) && number == tree_number);
	if (jscan_bool(text, len, &flag))
		require(json_type(tree) == JSON_BOOL && json_bool(tree, !flag) == flag);
	if (jscan_is_null(text, len))
		require(json_type(tree) == JSON_NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t seed;
	if (size < sizeof(seed))
		return 0;
	memcpy(&seed, data, sizeof(seed));
	const char *text = (const char *)data + sizeof(seed);
	size_t len = size - sizeof(seed);

	struct err e = {0};
	AUTO(json_freep) struct json *tree = json_parse(text, len, &e);
	struct transcript whole = {.text = BUF_INIT(TRANSCRIPT_MAX), .is_json = tree != NULL};
	struct transcript pieces = {.text = BUF_INIT(TRANSCRIPT_MAX)};
	int r = scan(text, len, NULL, &whole);
	require(scan(text, len, &seed, &pieces) == r);
	require(strcmp(buf_cstr(&whole.text), buf_cstr(&pieces.text)) == 0);
	if (tree != NULL)
		require(r == 0 && whole.documents == 1);

	compare_values(text, len, tree);
	buf_fini(&whole.text);
	buf_fini(&pieces.text);
	return 0;
}
