#include "tests/support/memory_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/fake_clock.h"

static const char *describe(void *self)
{
	(void)self;
	return "the place";
}

static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct place *p = self;
	AUTO(strv_fini) struct strv words = {0};
	assert_null(p->written_fn); /* one at a time */
	for (size_t i = 0; i < count; i++) {
		if (changes[i].value != NULL)
			strv_pushf(&words, "%s=%s", changes[i].key, changes[i].value);
		else
			strv_pushf(&words, "%s-", changes[i].key);
	}
	strv_push_take(&p->writes, strv_join(&words, " "));
	p->written_fn = fn;
	p->written_arg = arg;
}

static void list_keys(void *self, store_listed_fn fn, void *arg)
{
	struct place *p = self;
	p->lists++;
	p->listed_fn = fn;
	p->listed_arg = arg;
}

static void cancel(void *self)
{
	struct place *p = self;
	p->cancels++;
	p->written_fn = NULL;
	p->listed_fn = NULL;
}

static void free_place(void *self)
{
	struct place *p = self;
	p->frees++;
}

static void on_answered(void *arg)
{
	struct place_bench *b = arg;
	b->answered++;
}

void place_bench_open(struct place_bench *b)
{
	struct err e = {0};
	const struct statestore_backend backend = {
		describe, write_changes, list_keys, cancel, free_place, &b->place};
	const struct statestore_times times = {PLACE_BASE_MS, PLACE_MAX_MS, PLACE_AWAY_MAX_MS};
	memset(b, 0, sizeof(*b));
	log_capture_start(&b->log);
	fake_clock_install(1000000);
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	condition_kinds_add(&b->conditions, STATESTORE_CONDITIONS);
	b->store = statestore_new(b->loop, &b->conditions, &backend, &times);
	statestore_on_answered(b->store, on_answered, b);
}

void place_bench_close(struct place_bench *b)
{
	statestore_free(b->store);
	loop_free(b->loop);
	condition_set_fini(&b->conditions);
	strv_fini(&b->place.writes);
	fake_clock_remove();
	log_capture_stop(&b->log);
}

void place_turn(struct place_bench *b)
{
	struct err e;
	assert_int_equal(loop_turn(b->loop, 0, &e), 0);
}

void place_pass(struct place_bench *b, uint64_t ms)
{
	fake_clock_advance_ms(ms);
	place_turn(b);
}

bool place_is_writing(const struct place_bench *b)
{
	return b->place.written_fn != NULL;
}

void place_expect_writes(const struct place_bench *b, const char *last, size_t count)
{
	assert_int_equal(b->place.writes.len, count);
	if (count > 0)
		assert_string_equal(b->place.writes.items[count - 1], last);
}

void place_answer(struct place_bench *b, int code, uint64_t retry_after_ms)
{
	struct place *p = &b->place;
	struct err e;
	store_written_fn fn = p->written_fn;
	assert_non_null(fn);
	p->written_fn = NULL;
	if (code < 0)
		err_set(&e, code, "no %d", -code);
	fn(p->written_arg, code < 0 ? &e : NULL, retry_after_ms);
}

void place_answer_list(struct place_bench *b, const char *keys, int code)
{
	struct place *p = &b->place;
	AUTO(strv_fini) struct strv list = {0};
	struct err e;
	store_listed_fn fn = p->listed_fn;
	assert_non_null(fn);
	p->listed_fn = NULL;
	str_words(keys, &list);
	if (code < 0)
		err_set(&e, code, "no %d", -code);
	fn(p->listed_arg, &list, code < 0 ? &e : NULL);
}
