#include "egress/services.h"

#include <stdlib.h>
#include <string.h>

#include "egress/egress_conditions.h"
#include "egress/egress_events.h"
#include "egress/services_conflicts.h"
#include "egress/services_plan.h"
#include "egress/services_rows.h"
#include "egress/services_log.h"
#include "lib/base/condition.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fswatch.h"
#include "lib/io/mounted.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "lib/nft/nft.h"
#include "statestore/statestore.h"

/* The input of a plan. */
struct seen {
	bool is_made;
	uint64_t rows, peers, records; /* generations */
	bool is_known;
	bool is_enabled[NFT_MODEL_FAMILIES];
	struct ipaddr own[NFT_MODEL_FAMILIES];
};

struct egress_services {
	struct statestore *store_ref;
	struct condition_set *conditions_ref;
	egress_changed_fn fn;
	void *arg;
	char *pod_ipv4, *pod_ipv6;
	struct fswatch *watch;
	struct mounted document;
	struct egress_rows rows;
	struct egress_conflicts conflicts; /* of the last result */
	struct seen seen;
	uint64_t plans;     /* made so far */
	uint64_t applied;   /* the plan that the kernel holds, 0 = none */
	uint64_t published; /* the plan whose status was published last, 0 = none */
	const struct egress_answers *answers_ref;
	bool is_any_withheld; /* from that status, until the target has answered */
};

/* Reports the first by name, and the number of others. */
static void update_condition(struct egress_services *s)
{
	const struct egress_row *first = NULL;
	size_t count = 0;
	for (size_t i = 0; i < s->rows.len; i++) {
		const struct egress_row *row = &s->rows.items[i];
		if (row->is_removed ||
			(egress_plan_failure(row) == NULL &&
				egress_conflicts_first(&s->conflicts, row->name) == NULL))
			continue;
		if (first == NULL)
			first = row;
		count++;
	}
	if (first == NULL) {
		condition_clear(s->conditions_ref, CONDITION_EGRESS_SERVICE_FAILED);
		return;
	}
	char text[EGRESS_CONFLICT_TEXT_MAX];
	const char *why = egress_plan_failure(first);
	if (why == NULL)
		why = egress_conflict_format(
			egress_conflicts_first(&s->conflicts, first->name), text);
	if (count == 1)
		condition_raise(s->conditions_ref, CONDITION_EGRESS_SERVICE_FAILED, "%s: %s",
			first->name, why);
	else
		condition_raise(s->conditions_ref, CONDITION_EGRESS_SERVICE_FAILED,
			"%s (and %zu more): %s", first->name, count - 1, why);
}

/* 0 also for a missing file, which means no services; 1 when it must be read again before it is
 * trusted. */
static int read_document(struct egress_services *s, struct egress_config *config, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	int code = mounted_read(&s->document, egress_rows_any(&s->rows), &text, e);
	if (code != 0)
		return code;
	if (egress_config_parse(text.data, text.len, config, e) < 0)
		return err_wrap(e, "%s", s->document.path);
	return 0;
}

/* True when the desired firewall has changed. */
static bool update_rows(struct egress_services *s)
{
	struct egress_config config = {0};
	struct err e;
	int code = read_document(s, &config, &e);
	if (code < 0)
		condition_raise(s->conditions_ref, CONDITION_EGRESS_CONFIG_INVALID, "%s", e.msg);
	if (code != 0)
		return false;
	condition_clear(s->conditions_ref, CONDITION_EGRESS_CONFIG_INVALID);
	return egress_rows_update(&s->rows, &config);
}

static void look(void *arg)
{
	struct egress_services *s = arg;
	bool is_changed = update_rows(s);
	if (is_changed)
		log_event(EV_EGRESS_CONFIG_CHANGED);
	services_log_faults(&s->rows);
	update_condition(s);
	if (is_changed)
		s->fn(s->arg);
}

struct egress_services *egress_services_new(struct loop *loop, struct statestore *store,
	struct condition_set *conditions, const struct egress_services_options *options,
	egress_changed_fn fn, void *arg)
{
	struct egress_services *s = xcalloc(1, sizeof(*s));
	s->store_ref = store;
	s->conditions_ref = conditions;
	s->fn = fn;
	s->arg = arg;
	s->answers_ref = options->answers;
	s->pod_ipv4 = xstrdup(options->pod_ipv4);
	s->pod_ipv6 = xstrdup(options->pod_ipv6);
	log_event(EV_EGRESS_STARTING, options->directory);
	AUTO(mem_free) char *path = xasprintf("%s/%s", options->directory, EGRESS_CONFIG_FILE);
	mounted_init(&s->document, loop, path, look, s);
	s->watch = fswatch_new(loop, options->directory, options->debounce_ms, look, s);
	(void)update_rows(s);
	services_log_faults(&s->rows);
	update_condition(s);
	return s;
}

void egress_services_free(struct egress_services *s)
{
	if (s == NULL)
		return;
	fswatch_free(s->watch);
	mounted_fini(&s->document);
	egress_rows_fini(&s->rows);
	egress_conflicts_fini(&s->conflicts);
	free(s->pod_ipv4);
	free(s->pod_ipv6);
	free(s);
}

void egress_services_wants(const struct egress_services *s, const struct records *records,
	struct strv *names, struct nft_addresses *routes)
{
	egress_plan_wants(&s->rows, records, names, routes);
}

static struct seen see(const struct egress_services *s, const struct egress_netmap *netmap,
	const struct nft_wanted *w)
{
	struct seen now = {
		.is_made = true,
		.rows = s->rows.generation,
		.peers = peers_generation(netmap->peers),
		.records = records_generation(netmap->records),
		.is_known = netmap->is_known,
	};
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		now.is_enabled[f] = w->families[f].is_enabled;
		now.own[f] = w->families[f].own;
	}
	return now;
}

static bool same_node(const struct seen *a, const struct seen *b)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (!ipaddr_equal(&a->own[f], &b->own[f]))
			return false;
	}
	return true;
}

static bool is_current(const struct seen *a, const struct seen *b)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (a->is_enabled[f] != b->is_enabled[f])
			return false;
	}
	return a->is_made && a->rows == b->rows && a->peers == b->peers &&
	       a->records == b->records && a->is_known == b->is_known && same_node(a, b);
}

void egress_services_contribute(
	struct egress_services *s, const struct egress_netmap *netmap, struct nft_wanted *w)
{
	struct seen now = see(s, netmap, w);
	if (!is_current(&s->seen, &now)) {
		bool is_renumbered = s->seen.is_made && !same_node(&s->seen, &now);
		services_log_removed(&s->rows);
		egress_plan_make(&s->rows, netmap, w);
		services_log_changes(&s->rows, is_renumbered);
		s->seen = now;
		s->plans++;
	}
	egress_plan_contribute(&s->rows, w);
	services_log_notes(&s->rows);
	update_condition(s);
}

/* A Pod that never had services, and found no status of an earlier run, writes none. */
static void publish(struct egress_services *s)
{
	size_t count;
	s->is_any_withheld = egress_plan_release(&s->rows, s->answers_ref);
	AUTO(mem_free)
	char *text = egress_plan_status(&s->rows, &s->conflicts, s->pod_ipv4, s->pod_ipv6, &count);
	if (count == 0 && s->published == 0 &&
		statestore_value(s->store_ref, STORE_KEY_EGRESS_SERVICES) == NULL)
		return;
	s->published = s->plans;
	statestore_set(s->store_ref, STORE_KEY_EGRESS_SERVICES, text);
}

/* True when they have changed. */
static bool replace_conflicts(struct egress_services *s, const struct nft_result *result)
{
	struct egress_conflicts now = {0};
	egress_conflicts_read(&now, result);
	bool is_changed = !egress_conflicts_equal(&now, &s->conflicts);
	services_log_conflicts(&now, &s->conflicts);
	egress_conflicts_fini(&s->conflicts);
	s->conflicts = now;
	return is_changed;
}

void egress_services_applied(
	struct egress_services *s, const struct nft_result *result, const struct err *e)
{
	(void)e; /* the firewall's own condition */
	if (result->code < 0)
		return;
	bool is_new = replace_conflicts(s, result) || s->published != s->plans;
	s->applied = s->plans;
	if (is_new)
		update_condition(s);
	if (is_new || s->is_any_withheld)
		publish(s);
}

void egress_services_answered(struct egress_services *s)
{
	/* While rules are being written, their result follows. */
	if (s->is_any_withheld && s->applied == s->plans)
		publish(s);
}
