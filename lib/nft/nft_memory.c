#include "lib/nft/nft_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/nft/ct_plan.h"

struct nft_memory {
	struct nft_backend base;
	struct nft_image images[NFT_MODEL_FAMILIES];
	size_t commits;
	size_t reconciles;
	int fail_code;
	unsigned int fail_times;
	int fail_reads_code;
	unsigned int fail_reads_times;
	int fail_flows_code;
	unsigned int fail_flows_times;
	struct ct_entry *flows;
	size_t flow_count;
	nft_foreign_fn on_foreign;
	void *foreign_arg;
	struct timer read_timer;
	struct nft_image *read_to[NFT_MODEL_FAMILIES];
	nft_dump_fn on_read;
	void *read_arg;
	struct timer flows_timer;
	nft_reconcile_fn on_flows;
	void *flows_arg;
	const struct ct_view *view_ref;
};

static struct nft_memory *self(struct nft_backend *b)
{
	return CONTAINER_OF(b, struct nft_memory, base);
}

static void copy_elems(struct nft_elems *to, const struct nft_elems *from)
{
	for (size_t i = 0; i < from->len; i++)
		nft_elems_add(to, &from->items[i]);
}

static void copy_rules(struct nft_image *to, const struct nft_image *from, unsigned int chains)
{
	for (int c = 0; c < NFT_SCHEMA_CHAINS; c++) {
		if ((chains & 1u << c) != 0)
			strv_copy(&to->rules[c], &from->rules[c]);
	}
	if ((chains & 1u << NFT_SCHEMA_PREROUTING) != 0) {
		nft_elems_fini(&to->backends);
		copy_elems(&to->backends, &from->backends);
	}
	if ((chains & 1u << NFT_SCHEMA_POSTROUTING) != 0)
		to->own = from->own;
}

static void copy_image(struct nft_image *to, const struct nft_image *from)
{
	nft_image_fini(to);
	to->has_table = from->has_table;
	to->is_schema_current = from->is_schema_current;
	to->owner = xstrdup(from->owner);
	for (int s = 0; s < NFT_SCHEMA_SETS; s++)
		copy_elems(&to->sets[s], &from->sets[s]);
	copy_rules(to, from, ~0u);
}

static int compare_key(const void *key, const void *item)
{
	const struct nft_elem *const *elem = item;
	return memcmp(key, (*elem)->key, NFT_SCHEMA_KEY_MAX);
}

/* Plans list them sorted. */
static bool is_among(const struct nft_elem_refs *refs, const uint8_t *key)
{
	return refs->len > 0 &&
	       bsearch(key, refs->items, refs->len, sizeof(struct nft_elem *), compare_key) != NULL;
}

static int apply_elems(
	const struct nft_plan_family *plan, struct nft_image *image, int set, struct err *e)
{
	struct nft_elems *elems = &image->sets[set];
	struct nft_elems next = {0};
	size_t kept = elems->len;
	for (size_t i = 0; i < plan->removed[set].len; i++) {
		if (nft_elems_find(elems, plan->removed[set].items[i]->key) == NULL)
			return err_set_errno(e, -ENOENT, "remove an element");
	}
	for (size_t i = 0; i < plan->added[set].len; i++) {
		const uint8_t *key = plan->added[set].items[i]->key;
		if (nft_elems_find(elems, key) != NULL && !is_among(&plan->removed[set], key))
			return err_set_errno(e, -EEXIST, "add an element");
	}
	for (size_t i = 0; i < kept; i++) {
		if (!is_among(&plan->removed[set], elems->items[i].key))
			nft_elems_add(&next, &elems->items[i]);
	}
	for (size_t i = 0; i < plan->added[set].len; i++)
		nft_elems_add(&next, plan->added[set].items[i]);
	nft_elems_sort(&next);
	nft_elems_fini(elems);
	*elems = next;
	return 0;
}

static int apply_family(const struct nft_plan_family *plan, const struct nft_commit *c, int family,
	struct nft_image *image, struct err *e)
{
	switch (plan->kind) {
	case NFT_PLAN_NONE:
		return 0;
	case NFT_PLAN_REMOVE:
		nft_image_fini(image);
		return 0;
	case NFT_PLAN_CREATE:
		if (image->has_table)
			return err_set_errno(e, -EEXIST, "make table %s",
				nft_schema_family((enum nft_model_family)family)->name);
		copy_image(image, &c->desired->images[family]);
		return 0;
	case NFT_PLAN_FULL:
	case NFT_PLAN_REBUILD:
		copy_image(image, &c->desired->images[family]);
		return 0;
	case NFT_PLAN_PREPARE:
	case NFT_PLAN_ENABLE:
		return err_set(e, -EINVAL, "there is always room for a plan in one piece");
	case NFT_PLAN_DELTA:
		break;
	}
	if (!image->has_table)
		return err_set_errno(e, -ENOENT, "change table %s",
			nft_schema_family((enum nft_model_family)family)->name);
	for (int s = 0; s < NFT_SCHEMA_SETS; s++) {
		if (apply_elems(plan, image, s, e) < 0)
			return e->code;
	}
	copy_rules(image, &c->desired->images[family], plan->chains);
	return 0;
}

static int commit(struct nft_backend *b, const struct nft_commit *c, struct err *e)
{
	struct nft_memory *m = self(b);
	struct nft_image next[NFT_MODEL_FAMILIES] = {0};
	bool is_failing = m->fail_times > 0;
	m->fail_times -= is_failing;
	if (is_failing && m->fail_code != -ENOBUFS)
		return err_set_errno(e, m->fail_code, "commit");
	int code = 0;
	for (int f = 0; f < NFT_MODEL_FAMILIES && code == 0; f++) {
		copy_image(&next[f], &m->images[f]);
		code = apply_family(&c->plan->families[f], c, f, &next[f], e);
	}
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		struct nft_image *gone = code == 0 ? &m->images[f] : &next[f];
		nft_image_fini(gone);
		if (code == 0)
			m->images[f] = next[f];
	}
	m->commits += code == 0;
	/* The answers were lost, but the batch was committed. */
	if (is_failing)
		return err_set_errno(e, m->fail_code, "commit");
	if (c->transactions != NULL)
		*c->transactions += code == 0;
	return code;
}

static void on_read_due(void *arg)
{
	struct nft_memory *m = arg;
	struct err e = {0};
	if (m->fail_reads_times > 0) {
		m->fail_reads_times--;
		err_set_errno(&e, m->fail_reads_code, "read");
		m->on_read(m->read_arg, e.code, &e);
		return;
	}
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (m->read_to[f] != NULL)
			copy_image(m->read_to[f], &m->images[f]);
	}
	m->on_read(m->read_arg, 0, &e);
}

static int read_tables(struct nft_backend *b, struct nft_image *const images[NFT_MODEL_FAMILIES],
	nft_dump_fn fn, void *arg, struct err *e)
{
	struct nft_memory *m = self(b);
	if (timer_is_armed(&m->read_timer))
		return err_set(e, -EBUSY, "tables are being read");
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		m->read_to[f] = images[f];
	m->on_read = fn;
	m->read_arg = arg;
	timer_start(&m->read_timer, 0);
	return 0;
}

static void on_flows_due(void *arg)
{
	struct nft_memory *m = arg;
	struct err e = {0};
	size_t kept = 0;
	if (m->fail_flows_times > 0) {
		m->fail_flows_times--;
		err_set_errno(&e, m->fail_flows_code, "read flows");
		m->on_flows(m->flows_arg, 0, e.code, &e);
		return;
	}
	for (size_t i = 0; i < m->flow_count; i++) {
		if (!ct_verdict_is_end(ct_plan_decide(m->view_ref, &m->flows[i])))
			m->flows[kept++] = m->flows[i];
	}
	size_t ended = m->flow_count - kept;
	m->flow_count = kept;
	m->on_flows(m->flows_arg, ended, 0, &e);
}

static int reconcile(struct nft_backend *b, const struct ct_view *view, nft_reconcile_fn fn,
	void *arg, struct err *e)
{
	struct nft_memory *m = self(b);
	if (timer_is_armed(&m->flows_timer))
		return err_set(e, -EBUSY, "flows are being reconciled");
	m->reconciles++;
	m->view_ref = view;
	m->on_flows = fn;
	m->flows_arg = arg;
	timer_start(&m->flows_timer, 0);
	return 0;
}

static int watch(struct nft_backend *b, nft_foreign_fn fn, void *arg, struct err *e)
{
	struct nft_memory *m = self(b);
	if (m->on_foreign != NULL)
		return err_set(e, -EBUSY, "watched already");
	m->on_foreign = fn;
	m->foreign_arg = arg;
	return 0;
}

static void memory_free(struct nft_backend *b)
{
	struct nft_memory *m = self(b);
	timer_stop(&m->read_timer);
	timer_stop(&m->flows_timer);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		nft_image_fini(&m->images[f]);
	free(m->flows);
	free(m);
}

static const struct nft_backend_ops ops = {
	.commit = commit,
	.read = read_tables,
	.reconcile = reconcile,
	.watch = watch,
	.free = memory_free,
};

struct nft_backend *nft_memory_new(struct loop *loop)
{
	struct nft_memory *m = xcalloc(1, sizeof(*m));
	m->base.ops = &ops;
	timer_init(&m->read_timer, loop, on_read_due, m);
	timer_init(&m->flows_timer, loop, on_flows_due, m);
	return &m->base;
}

struct nft_image *nft_memory_image(struct nft_backend *b, enum nft_model_family family)
{
	return &self(b)->images[family];
}

static const struct nft_memory *look_at(const struct nft_backend *b)
{
	return (const struct nft_memory *)(const void *)((const char *)b -
							 offsetof(struct nft_memory, base));
}

size_t nft_memory_commits(const struct nft_backend *b)
{
	return look_at(b)->commits;
}

size_t nft_memory_reconciles(const struct nft_backend *b)
{
	return look_at(b)->reconciles;
}

void nft_memory_fail(struct nft_backend *b, int code, unsigned int times)
{
	self(b)->fail_code = code;
	self(b)->fail_times = times;
}

void nft_memory_fail_reads(struct nft_backend *b, int code, unsigned int times)
{
	self(b)->fail_reads_code = code;
	self(b)->fail_reads_times = times;
}

void nft_memory_fail_flows(struct nft_backend *b, int code, unsigned int times)
{
	self(b)->fail_flows_code = code;
	self(b)->fail_flows_times = times;
}

void nft_memory_add_flow(struct nft_backend *b, const struct ct_entry *flow)
{
	struct nft_memory *m = self(b);
	m->flows = xrealloc(m->flows, m->flow_count + 1, sizeof(*m->flows));
	m->flows[m->flow_count++] = *flow;
}

size_t nft_memory_flows(const struct nft_backend *b)
{
	return look_at(b)->flow_count;
}

void nft_memory_disturb(struct nft_backend *b)
{
	struct nft_memory *m = self(b);
	if (m->on_foreign != NULL)
		m->on_foreign(m->foreign_arg);
}
