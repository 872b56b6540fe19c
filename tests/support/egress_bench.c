#include "tests/support/egress_bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress/egress_conditions.h"
#include "egress/services.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/nft/nft.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/tempdir.h"

#define DEBOUNCE_MS 100
#define POD_IPV4 "10.0.0.9"

static void on_changed(void *arg)
{
	struct egress_bench *b = arg;
	b->changed++;
}

int egress_bench_open(void **state)
{
	struct egress_bench *b = xcalloc(1, sizeof(*b));
	place_bench_open(&b->place);
	tailnet_open(&b->tailnet);
	b->dir = tempdir_new();
	b->own = "100.64.0.1 fd7a::1";
	*state = b;
	return 0;
}

int egress_bench_close(void **state)
{
	struct egress_bench *b = *state;
	egress_services_free(b->services);
	tailnet_close(&b->tailnet);
	place_bench_close(&b->place);
	tempdir_free(b->dir);
	free(b->maps);
	free(b->live);
	free(b);
	return 0;
}

void egress_bench_start(struct egress_bench *b)
{
	const struct egress_services_options options = {
		b->dir, POD_IPV4, "", DEBOUNCE_MS, b->answers};
	condition_kinds_add(&b->place.conditions, EGRESS_CONDITIONS);
	b->services = egress_services_new(
		b->place.loop, b->place.store, &b->place.conditions, &options, on_changed, b);
}

void egress_bench_write(struct egress_bench *b, const char *text)
{
	AUTO(mem_free) char *path = tempdir_path(b->dir, "egress-services");
	struct err e;
	if (text == NULL)
		assert_int_equal(atomicfile_remove(path, &e), 0);
	else
		assert_int_equal(atomicfile_write(path, text, strlen(text), 0600, &e), 0);
}

void egress_bench_put(struct egress_bench *b, const char *text)
{
	egress_bench_write(b, text);
	place_turn(&b->place);
	place_pass(&b->place, DEBOUNCE_MS);
	place_turn(&b->place);
}

void egress_bench_want(struct egress_bench *b)
{
	AUTO(strv_fini) struct strv names = {0};
	struct nft_addresses routes = {0};
	egress_services_wants(b->services, b->tailnet.records, &names, &routes);
	tailnet_want_lists(&b->tailnet, &names, &routes);
	nft_addresses_fini(&routes);
}

static void set_own(const struct egress_bench *b, struct nft_wanted *w)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(b->own, &words);
	for (size_t i = 0; i < words.len; i++) {
		struct ipaddr addr = tailnet_addr(words.items[i]);
		nft_wanted_set_own(w, &addr);
	}
}

static void record(struct egress_bench *b, const struct nft_wanted *w)
{
	AUTO(strv_fini) struct strv lines = {0};
	char text[IPADDR_TEXT_MAX];
	for (size_t i = 0; i < w->portmap_count; i++) {
		const struct nft_portmap *map = &w->portmaps[i];
		strv_pushf(&lines, "%s %s %u %s %u", map->service,
			map->proto == IPPROTO_TCP ? "tcp" : "udp", map->match_port,
			ipaddr_format(&map->target, text), map->target_port);
	}
	free(b->maps);
	free(b->live);
	b->maps = strv_join(&lines, "\n");
	b->live = tailnet_print(&w->live);
}

void egress_bench_round(struct egress_bench *b, int code)
{
	struct egress_netmap netmap = {b->tailnet.peers, b->tailnet.records, !b->is_unknown};
	struct nft_wanted w;
	struct nft_desired desired = {0};
	struct err e = {0};
	nft_wanted_init(&w, "tailscale0", "a/b");
	if (b->has_no_v6)
		nft_wanted_disable(&w, NFT_MODEL_V6);
	set_own(b, &w);
	egress_services_contribute(b->services, &netmap, &w);
	record(b, &w);
	assert_int_equal(nft_compile(&w, true, &desired, &e), 0);
	if (code < 0)
		err_set_errno(&e, code, "apply");
	egress_services_applied(b->services,
		&(struct nft_result){.code = code,
			.conflicts = desired.conflicts,
			.conflict_count = code < 0 ? 0 : desired.conflict_count},
		&e);
	nft_desired_fini(&desired);
	nft_wanted_fini(&w);
	place_turn(&b->place);
	if (place_is_writing(&b->place))
		place_answer(&b->place, 0, 0);
}

void egress_bench_expect(const struct egress_bench *b, const char *maps)
{
	assert_string_equal(b->maps, maps);
}

void egress_bench_expect_status(struct egress_bench *b, const char *text, size_t count)
{
	AUTO(mem_free) char *write = xasprintf(STORE_KEY_EGRESS_SERVICES "=%s", text);
	place_expect_writes(&b->place, write, count);
}

const char *egress_bench_reason(const struct egress_bench *b, const struct condition_kind *code)
{
	const struct condition *c = condition_get(&b->place.conditions, code);
	return c->raised ? c->reason : "";
}

size_t egress_bench_logged(const struct egress_bench *b, const char *part)
{
	return log_capture_count(&b->place.log, part);
}
