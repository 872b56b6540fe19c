#include "tests/support/ingress_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingress/ingress_conditions.h"
#include "ingress/services.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/nft/nft.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/tempdir.h"

static void on_changed(void *arg)
{
	struct ingress_bench *f = arg;
	f->changes++;
}

void ingress_bench_turns(struct ingress_bench *f)
{
	for (int i = 0; i < 6; i++)
		place_pass(&f->b, 1);
}

void ingress_bench_start(struct ingress_bench *f)
{
	const struct ingress_services_options options = {f->path, "10.1.0.1", "fd00::1", 0};
	ingress_services_free(f->s);
	f->s = ingress_services_new(
		f->b.loop, f->b.store, &f->b.conditions, &options, on_changed, f);
	assert_int_equal(f->changes, 0);
}

int ingress_bench_open(void **state)
{
	struct ingress_bench *f = xcalloc(1, sizeof(*f));
	place_bench_open(&f->b);
	condition_kinds_add(&f->b.conditions, INGRESS_CONDITIONS);
	f->dir = tempdir_new();
	f->path = tempdir_path(f->dir, "ingress-config.json");
	f->memory = nft_memory_new(f->b.loop);
	f->nft = nft_new(f->b.loop, f->memory);
	*state = f;
	return 0;
}

int ingress_bench_close(void **state)
{
	struct ingress_bench *f = *state;
	ingress_services_free(f->s);
	nft_free(f->nft);
	place_bench_close(&f->b);
	free(f->path);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

void ingress_bench_put(struct ingress_bench *f, const char *text)
{
	struct err e;
	assert_int_equal(atomicfile_write(f->path, text, strlen(text), 0600, &e), 0);
}

static void on_result(void *arg, const struct nft_result *result, const struct err *e)
{
	struct ingress_bench *f = arg;
	f->results++;
	ingress_services_applied(f->s, result, e);
}

void ingress_bench_contribute(struct ingress_bench *f)
{
	struct nft_wanted w;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	if (f->no_ipv6)
		nft_wanted_disable(&w, NFT_MODEL_V6);
	ingress_services_contribute(f->s, &w);
	nft_apply(f->nft, &w, on_result, f);
}

void ingress_bench_apply(struct ingress_bench *f)
{
	unsigned int before = f->results;
	ingress_bench_contribute(f);
	ingress_bench_turns(f);
	assert_int_equal(f->results, before + 1);
	if (place_is_writing(&f->b))
		place_answer(&f->b, 0, 0);
}

void ingress_bench_pass_doubt(struct ingress_bench *f)
{
	place_pass(&f->b, 300);
	ingress_bench_turns(f);
}

void ingress_bench_change(struct ingress_bench *f, const char *text)
{
	unsigned int before = f->changes;
	ingress_bench_put(f, text);
	ingress_bench_turns(f);
	/* An empty document is believed only after a while. */
	if (text[0] == '\0')
		ingress_bench_pass_doubt(f);
	assert_int_equal(f->changes, before + 1);
	ingress_bench_apply(f);
}

size_t ingress_bench_elements(struct ingress_bench *f, enum nft_model_family family)
{
	return nft_memory_image(f->memory, family)->sets[NFT_SCHEMA_DADDR_MAP].len;
}

bool ingress_bench_is_raised(const struct ingress_bench *f, const struct condition_kind *code)
{
	return condition_is_raised(&f->b.conditions, code);
}

const char *ingress_bench_reason(const struct ingress_bench *f, const struct condition_kind *code)
{
	assert_true(ingress_bench_is_raised(f, code));
	return condition_get(&f->b.conditions, code)->reason;
}
