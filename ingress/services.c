#include "ingress/services.h"

#include <stdlib.h>
#include <string.h>

#include "ingress/ingress_conditions.h"
#include "ingress/ingress_events.h"
#include "ingress/services_plan.h"
#include "lib/base/buf.h"
#include "lib/base/condition.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fswatch.h"
#include "lib/io/mounted.h"
#include "lib/nft/nft.h"
#include "statestore/statestore.h"

struct ingress_services {
	struct statestore *store_ref;
	struct condition_set *conditions_ref;
	ingress_changed_fn fn;
	void *arg;
	char *pod_ipv4;
	char *pod_ipv6;
	struct fswatch *watch;
	struct mounted document;

	struct ingress_config config; /* in force: read, without faulty services */
	struct strv faults;           /* of the document read last */
	bool has_document;            /* a file with something in it was read */

	struct ingress_share share;   /* contributed last */
	unsigned int unanswered;      /* contributions without a result */
	struct ingress_config stands; /* applied last */
	struct strv refused;          /* at that time */
	bool is_published;            /* the status of `stands` */
	bool has_status;              /* one was written, by us or by an earlier run */
	bool unserved_logged;
};

static void log_fault(struct log_few *few, const char *fault)
{
	if (log_few_take(few))
		log_event(EV_INGRESS_SERVICE_FAILED, fault);
}

/* Both are sorted. Logs the new ones and replaces the old list; fresh is emptied. */
static void log_new(struct strv *old, struct strv *fresh)
{
	struct log_few few = {0};
	size_t at = 0;
	for (size_t i = 0; i < fresh->len; i++) {
		while (at < old->len && strcmp(old->items[at], fresh->items[i]) < 0)
			at++;
		if (at == old->len || strcmp(old->items[at], fresh->items[i]) != 0)
			log_fault(&few, fresh->items[i]);
	}
	if (few.more > 0)
		log_event(EV_INGRESS_MORE, few.more,
			"services have a fault; `tailboot check` names them all");
	strv_fini(old);
	*old = *fresh;
	*fresh = (struct strv){0};
}

static void update_condition(struct ingress_services *s)
{
	size_t count = s->faults.len + s->refused.len;
	if (count == 0) {
		condition_clear(s->conditions_ref, CONDITION_INGRESS_SERVICE_FAILED);
		return;
	}
	const char *first = s->faults.len > 0 ? s->faults.items[0] : s->refused.items[0];
	if (s->refused.len > 0 && strcmp(s->refused.items[0], first) < 0)
		first = s->refused.items[0];
	if (count == 1)
		condition_raise(s->conditions_ref, CONDITION_INGRESS_SERVICE_FAILED, "%s", first);
	else
		condition_raise(s->conditions_ref, CONDITION_INGRESS_SERVICE_FAILED,
			"%zu faults, the first: %s", count, first);
}

/* Replaces *out; a missing file is an empty text. 1 when it must be read again before it is
 * trusted. */
static int read_document(
	struct ingress_services *s, struct ingress_config *out, bool *is_empty, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	int code = mounted_read(&s->document, s->config.count > 0, &text, e);
	if (code != 0)
		return code;
	*is_empty = text.len == 0;
	if (ingress_config_parse(buf_cstr(&text), text.len, out, e) < 0)
		return err_wrap(e, "%s", s->document.path);
	return 0;
}

/* True when the configuration in force has changed. */
static bool read_again(struct ingress_services *s, bool is_start)
{
	struct ingress_config document = {0};
	struct ingress_config config;
	struct strv faults = {0};
	bool is_empty = false;
	struct err e;
	int code = read_document(s, &document, &is_empty, &e);
	if (code < 0)
		condition_raise(s->conditions_ref, CONDITION_INGRESS_CONFIG_INVALID, "%s", e.msg);
	if (code != 0)
		return false;
	condition_clear(s->conditions_ref, CONDITION_INGRESS_CONFIG_INVALID);
	ingress_plan_merge(&s->config, &document, &config);
	ingress_plan_faults(&document, &faults);
	bool is_news = !ingress_plan_equal(&s->config, &config) || s->has_document == is_empty;
	if (!is_start && (is_news || !strv_equal(&s->faults, &faults)))
		log_event(EV_INGRESS_CHANGED);
	s->has_document = !is_empty;
	ingress_config_fini(&document);
	ingress_config_fini(&s->config);
	s->config = config;
	log_new(&s->faults, &faults);
	update_condition(s);
	return is_news;
}

static void on_file(void *arg)
{
	struct ingress_services *s = arg;
	if (read_again(s, false))
		s->fn(s->arg);
}

struct ingress_services *ingress_services_new(struct loop *loop, struct statestore *store,
	struct condition_set *conditions, const struct ingress_services_options *options,
	ingress_changed_fn fn, void *arg)
{
	struct ingress_services *s = xcalloc(1, sizeof(*s));
	s->store_ref = store;
	s->conditions_ref = conditions;
	s->fn = fn;
	s->arg = arg;
	s->pod_ipv4 = xstrdup(options->pod_ipv4);
	s->pod_ipv6 = xstrdup(options->pod_ipv6);
	s->has_status = statestore_value(store, STORE_KEY_INGRESS_CONFIG) != NULL;
	mounted_init(&s->document, loop, options->path, on_file, s);
	log_event(EV_INGRESS_CONFIGURING, options->path);
	log_event(EV_INGRESS_STARTING);
	s->watch = fswatch_new_for_file(loop, options->path, options->debounce_ms, on_file, s);
	read_again(s, true);
	return s;
}

void ingress_services_free(struct ingress_services *s)
{
	if (s == NULL)
		return;
	fswatch_free(s->watch);
	mounted_fini(&s->document);
	ingress_config_fini(&s->config);
	ingress_config_fini(&s->stands);
	ingress_share_fini(&s->share);
	strv_fini(&s->faults);
	strv_fini(&s->refused);
	free(s->pod_ipv4);
	free(s->pod_ipv6);
	free(s);
}

static void log_unserved(struct ingress_services *s)
{
	const struct ingress_share *share = &s->share;
	if (share->unserved > 0 && !s->unserved_logged)
		log_event(EV_INGRESS_NOT_SERVED, share->first_unserved, share->unserved - 1,
			share->why_unserved.msg);
	s->unserved_logged = share->unserved > 0;
}

void ingress_services_contribute(struct ingress_services *s, struct nft_wanted *w)
{
	ingress_share_fini(&s->share);
	ingress_plan_contribute(&s->config, w, &s->share);
	s->unanswered++;
	log_unserved(s);
}

static bool has_same(const struct ingress_mapping *other, const struct ingress_mapping *mapping)
{
	return other->is_set && ipaddr_equal(&other->vip, &mapping->vip) &&
	       ipaddr_equal(&other->cluster_ip, &mapping->cluster_ip);
}

static void log_mapping(struct log_few *few, const char *name,
	const struct ingress_mapping *mapping, bool is_deleted)
{
	if (!log_few_take(few))
		return;
	char vip[IPADDR_TEXT_MAX];
	char cluster_ip[IPADDR_TEXT_MAX];
	ipaddr_format(&mapping->vip, vip);
	ipaddr_format(&mapping->cluster_ip, cluster_ip);
	if (is_deleted)
		log_event(EV_INGRESS_DELETING, name, vip, cluster_ip);
	else
		log_event(EV_INGRESS_ADDING, name, vip, cluster_ip);
}

/* Logs the mappings that are in one configuration and not in the other. */
static void log_difference(
	const struct ingress_config *in, const struct ingress_config *not_in, bool is_deleted)
{
	static const struct ingress_service nothing;
	struct log_few few = {0};
	for (size_t i = 0; i < in->count; i++) {
		const struct ingress_service *service = &in->services[i];
		const struct ingress_service *other = ingress_config_find(not_in, service->name);
		if (other == NULL)
			other = &nothing;
		if (service->v4.is_set && !has_same(&other->v4, &service->v4))
			log_mapping(&few, service->name, &service->v4, is_deleted);
		if (service->v6.is_set && !has_same(&other->v6, &service->v6))
			log_mapping(&few, service->name, &service->v6, is_deleted);
	}
	if (few.more > 0)
		log_event(EV_INGRESS_MORE, few.more,
			is_deleted ? "mappings are deleted" : "mappings are added");
}

/* Without services a status is written only where one is expected or may be left from an earlier
 * run. */
static void publish(struct ingress_services *s)
{
	if (s->is_published || (s->stands.count == 0 && !s->has_document && !s->has_status))
		return;
	AUTO(mem_free)
	const struct ingress_service **list =
		xcalloc(s->stands.count + 1, sizeof(const struct ingress_service *));
	for (size_t i = 0; i < s->stands.count; i++)
		list[i] = &s->stands.services[i];
	AUTO(mem_free)
	char *status = ingress_status_print(s->pod_ipv4, s->pod_ipv6, list, s->stands.count);
	s->has_status = true;
	s->is_published = true;
	statestore_set(s->store_ref, STORE_KEY_INGRESS_CONFIG, status);
}

void ingress_services_applied(
	struct ingress_services *s, const struct nft_result *result, const struct err *e)
{
	(void)e;
	if (s->unanswered == 0)
		return;
	s->unanswered--;
	/* An earlier result is superseded by that of the last contribution. */
	if (s->unanswered > 0 || result->code < 0)
		return;
	ingress_plan_drop_lost(&s->share, result->conflicts, result->conflict_count);
	if (!ingress_plan_equal(&s->stands, &s->share.config))
		s->is_published = false;
	log_difference(&s->stands, &s->share.config, true);
	log_difference(&s->share.config, &s->stands, false);
	ingress_config_fini(&s->stands);
	s->stands = s->share.config;
	s->share.config = (struct ingress_config){0};
	log_new(&s->refused, &s->share.refused);
	update_condition(s);
	publish(s);
}
