#include "lib/nft/nft_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Another program edits our tables, or the kernel is short of memory: a few tries, then the failure
 * is reported. */
#define TRIES_MAX 5
#define RETRY_FIRST_MS 10

static void look(struct nft_run *run);

struct nft_run *nft_run_new(enum nft_run_kind kind, struct nft_wanted *wanted_take)
{
	struct nft_run *run = xcalloc(1, sizeof(*run));
	run->kind = kind;
	run->state = xcalloc(1, sizeof(*run->state));
	run->state->wanted = *wanted_take;
	*wanted_take = (struct nft_wanted){0};
	return run;
}

void nft_state_free(struct nft_state *state)
{
	if (state == NULL)
		return;
	nft_wanted_fini(&state->wanted);
	nft_desired_fini(&state->desired);
	free(state);
}

void nft_run_free(struct nft_run *run)
{
	if (run == NULL)
		return;
	timer_stop(&run->retry);
	nft_state_free(run->state);
	ct_view_fini(&run->view);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		nft_image_fini(&run->before[f]);
		nft_image_fini(&run->later[f]);
	}
	free(run);
}

static void end(struct nft_run *run, int code)
{
	const struct nft_desired *desired = &run->state->desired;
	run->result.code = code;
	run->result.conflicts = desired->conflicts;
	run->result.conflict_count = desired->conflict_count;
	run->result.repaired = run->repaired[0] != '\0' ? run->repaired : NULL;
	run->on_end(run->owner, run);
}

static struct nft_image *last_reading(struct nft_run *run)
{
	return run->readings > 1 ? run->later : run->before;
}

/* What the kernel is believed to hold. */
static void actual_images(struct nft_run *run, const struct nft_image *out[NFT_MODEL_FAMILIES])
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (run->readings > 0)
			out[f] = &last_reading(run)[f];
		else
			out[f] = &run->applied_ref->desired.images[f];
	}
}

/* A removal may know the name without its namespace. */
static bool is_owner(const struct nft_run *run, const char *owner)
{
	const char *wanted = run->state->wanted.owner;
	if (run->kind == NFT_RUN_REMOVE && wanted[0] == '/')
		return str_ends(owner, wanted);
	return strcmp(owner, wanted) == 0;
}

/* A removal removes the tables that are ours and ignores foreign ones; any other run is all or
 * nothing. */
static int check_owner(struct nft_run *run)
{
	bool has_ours = false;
	err_clear(&run->e);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		struct nft_image *image = &last_reading(run)[f];
		bool is_foreign =
			image->has_table && image->owner != NULL && !is_owner(run, image->owner);
		has_ours |= image->has_table && !is_foreign;
		if (!is_foreign)
			continue;
		const char *family = nft_schema_family((enum nft_model_family)f)->name;
		err_set(&run->e, -EEXIST,
			"table %s %s belongs to %s and is left alone; if that is gone for good: "
			"nft delete table %s %s",
			family, NFT_SCHEMA_TABLE, image->owner, family, NFT_SCHEMA_TABLE);
		if (run->kind == NFT_RUN_REMOVE)
			nft_image_fini(image);
	}
	if (run->kind == NFT_RUN_REMOVE && has_ours)
		err_clear(&run->e);
	return run->e.code;
}

static bool find_difference(struct nft_run *run, char *why, size_t size)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct nft_image *want = &run->state->desired.images[f];
		char part[NFT_RUN_WHY_MAX - sizeof("ip6: ")];
		if (!run->state->wanted.families[f].is_enabled ||
			!nft_image_differs((enum nft_model_family)f, want, &last_reading(run)[f],
				part, sizeof(part)))
			continue;
		snprintf(why, size, "%s: %s", nft_schema_family((enum nft_model_family)f)->name,
			part);
		return true;
	}
	return false;
}

static void on_reconciled(void *arg, size_t deleted, int code, const struct err *e)
{
	struct nft_run *run = arg;
	run->result.flows_ended = deleted;
	if (code < 0)
		run->result.flows_error = *e;
	else
		ct_past_fini(run->past_ref);
	end(run, 0);
}

/* The rules are in place. Flows that do not follow them now are left to the next run. */
static void reconcile(struct nft_run *run)
{
	struct nft_backend *b = run->backend_ref;
	bool can_end = false;
	if (run->kind == NFT_RUN_REMOVE) {
		ct_past_fini(run->past_ref);
		end(run, 0);
		return;
	}
	ct_view_init(&run->view, run->past_ref, &run->state->desired, &run->state->wanted);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		run->view.has_changed[f] = ct_plan_can_end(&run->view, (enum nft_model_family)f);
		can_end |= run->view.has_changed[f];
	}
	if (!can_end) {
		ct_past_fini(run->past_ref);
		end(run, 0);
	} else if (b->ops->reconcile(b, &run->view, on_reconciled, run, &run->result.flows_error) <
		   0) {
		end(run, 0);
	}
}

/* Called for each batch that may have been committed, before it is known whether the run ends
 * well. */
static void remember_flows(struct nft_run *run, const struct nft_plan *plan)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct nft_image *before = run->applied_ref != NULL
							 ? &run->applied_ref->desired.images[f]
							 : &run->before[f];
		if (plan->families[f].kind != NFT_PLAN_NONE)
			ct_past_add(run->past_ref, (enum nft_model_family)f, before,
				&run->state->wanted.families[f].balanced_from);
	}
}

static void try_again(struct nft_run *run, uint64_t delay_ms)
{
	run->tries++;
	timer_start(&run->retry, delay_ms);
}

static void on_retry(void *arg)
{
	look(arg);
}

static bool is_drop_of_comments(const struct nft_run *run, int code)
{
	return code == -EMSGSIZE && run->state->desired.with_comments;
}

/* The batch was refused, so nothing has changed; or only some pieces of a very large one, and then
 * the next reading shows which. */
static void on_refused(struct nft_run *run, const struct nft_plan *plan, int code)
{
	bool is_stale = code == -ENOENT || code == -EEXIST || code == -EBUSY;
	if (is_drop_of_comments(run, code)) {
		nft_desired_fini(&run->state->desired);
		if (nft_compile(&run->state->wanted, false, &run->state->desired, &run->e) < 0)
			end(run, run->e.code);
		else
			try_again(run, 0);
	} else if (is_stale && run->tries < TRIES_MAX) {
		run->is_rebuilding = nft_plan_is_structural(plan);
		try_again(run, 0);
	} else if (err_is_transient(code) && run->tries < TRIES_MAX) {
		try_again(run, backoff_jitter(RETRY_FIRST_MS << run->tries));
	} else {
		end(run, code);
	}
}

static void on_verified(struct nft_run *run)
{
	char why[NFT_RUN_WHY_MAX];
	if (!find_difference(run, why, sizeof(why)))
		reconcile(run);
	else if (run->tries < TRIES_MAX)
		try_again(run, 0);
	else
		end(run, err_set(&run->e, -EIO, "the kernel holds other rules than written: %s",
				 why));
}

static void on_verify_read(void *arg, int code, const struct err *e)
{
	struct nft_run *run = arg;
	run->readings++;
	run->result.was_read_back = code == 0;
	if (code < 0) {
		run->e = *e;
		end(run, code);
	} else {
		on_verified(run);
	}
}

static int read_tables(struct nft_run *run, nft_dump_fn fn)
{
	struct nft_backend *b = run->backend_ref;
	struct nft_image *into = run->readings > 0 ? run->later : run->before;
	struct nft_image *images[NFT_MODEL_FAMILIES];
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		images[f] = run->state->wanted.families[f].is_enabled ? &into[f] : NULL;
	return b->ops->read(b, images, fn, run, &run->e);
}

static void commit(struct nft_run *run)
{
	struct nft_backend *b = run->backend_ref;
	const struct nft_image *actual[NFT_MODEL_FAMILIES];
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	size_t batches = 0;
	struct nft_commit c = {.plan = &plan, .transactions = &batches};
	actual_images(run, actual);
	if (run->kind == NFT_RUN_REMOVE) {
		nft_plan_make_removal(&plan, actual);
	} else {
		c.wanted = &run->state->wanted;
		c.desired = &run->state->desired;
		nft_plan_make(&plan, &run->state->desired, actual);
		if (run->is_rebuilding)
			nft_plan_escalate(&plan);
	}
	if (nft_plan_is_empty(&plan)) {
		reconcile(run);
		return;
	}
	int code = b->ops->commit(b, &c, &run->e);
	run->result.transactions += batches;
	/* When the answers are lost, the batch may have been committed nevertheless. */
	if (batches > 0 || code == -ENOBUFS)
		remember_flows(run, &plan);
	if (code < 0) {
		on_refused(run, &plan, code);
		return;
	}
	run->result.elements += nft_plan_elements(&plan);
	if (!nft_plan_is_structural(&plan) && batches == 1)
		reconcile(run);
	else if (read_tables(run, on_verify_read) < 0)
		end(run, run->e.code);
}

static void on_read(void *arg, int code, const struct err *e)
{
	struct nft_run *run = arg;
	run->readings++;
	if (code < 0) {
		run->e = *e;
		end(run, code);
	} else if (check_owner(run) < 0) {
		end(run, run->e.code);
	} else {
		if (run->kind == NFT_RUN_REPAIR && run->repaired[0] == '\0')
			find_difference(run, run->repaired, sizeof(run->repaired));
		commit(run);
	}
}

/* At first, what the previous run left is known; later the tables are read. */
static void look(struct nft_run *run)
{
	if (run->tries == 0 && run->applied_ref != NULL && run->kind == NFT_RUN_APPLY)
		commit(run);
	else if (read_tables(run, on_read) < 0)
		end(run, run->e.code);
}

/* A plan that was too large with comments gets them again only when it is much smaller. */
static bool may_have_comments(const struct nft_run *run)
{
	const struct nft_state *before = run->applied_ref;
	return before == NULL || before->desired.with_comments ||
	       run->state->wanted.portmap_count < before->wanted.portmap_count / 2;
}

void nft_run_start(struct nft_run *run, struct loop *loop)
{
	struct nft_state *state = run->state;
	timer_init(&run->retry, loop, on_retry, run);
	run->was_pending = ct_past_is_pending(run->past_ref);
	if (run->kind != NFT_RUN_REMOVE &&
		nft_compile(&state->wanted, may_have_comments(run), &state->desired, &run->e) < 0)
		end(run, run->e.code);
	else
		look(run);
}
