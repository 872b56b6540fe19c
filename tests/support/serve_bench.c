#include "tests/support/serve_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/tempdir.h"

static const char *describe(void *self)
{
	(void)self;
	return "nowhere special";
}

/* Writes are never answered: only the requested values count here. */
static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct serve_bench *b = self;
	assert_int_equal(count, 1);
	assert_string_equal(changes[0].key, STORE_KEY_HTTPS_ENDPOINT);
	strv_push(&b->endpoints, changes[0].value);
	(void)fn;
	(void)arg;
}

static void do_nothing(void *self)
{
	(void)self;
}

static void on_accepted(void *arg, const struct serve_plan *accepted)
{
	struct serve_bench *b = arg;
	b->accepted++;
	free(b->domains);
	free(b->services);
	b->domains = strv_join(&accepted->cert_domains, " ");
	b->services = strv_join(&accepted->services, " ");
}

void serve_bench_make(struct serve_bench *b, bool has_store)
{
	AUTO(mem_free) char *path = tempdir_path(b->d.dir, "serve.json");
	const struct serve_options options = {
		path, 0, SERVE_BENCH_RETRY_MS, 30000, SERVE_BENCH_WATCH_MS};
	serve_free(b->s);
	b->s = serve_new(b->d.loop, b->d.api, has_store ? b->store : NULL, &b->d.conditions,
		&options, on_accepted, b);
}

int serve_bench_open(void **state)
{
	struct serve_bench *b = xcalloc(1, sizeof(*b));
	const struct statestore_backend backend = {
		describe, write_changes, NULL, do_nothing, do_nothing, b};
	const struct statestore_times times = {SERVE_BENCH_RETRY_MS, 30000, 30000};
	daemon_bench_open(&b->d);
	condition_kinds_add(&b->d.conditions, INGRESS_CONDITIONS, STATESTORE_CONDITIONS);
	b->store = statestore_new(b->d.loop, &b->d.conditions, &backend, &times);
	serve_bench_make(b, true);
	*state = b;
	return 0;
}

int serve_bench_close(void **state)
{
	struct serve_bench *b = *state;
	serve_free(b->s);
	statestore_free(b->store);
	daemon_bench_close(&b->d);
	strv_fini(&b->endpoints);
	free(b->domains);
	free(b->services);
	free(b);
	return 0;
}

void serve_bench_put(struct serve_bench *b, const char *text)
{
	struct err e;
	AUTO(mem_free) char *path = tempdir_path(b->d.dir, "serve.json");
	assert_int_equal(atomicfile_write(path, text, strlen(text), 0600, &e), 0);
}
