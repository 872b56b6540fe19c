#include "lib/nft/nft.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/nft/nft_run.h"

/* Foreign edits come in groups: wait a moment, so that one reading sees them all. The wait grows
 * when they keep coming, but a hole is always closed within a second. */
#define SUSPICION_MS 20
#define SUSPICION_DOUBLINGS 5
#define QUIET_MS 10000
/* A pass over all flows walks a table of the whole machine. */
#define FLOWS_RETRY_BASE_MS 250
#define FLOWS_RETRY_MAX_MS 30000

struct nft {
	struct loop *loop_ref;
	struct nft_backend *backend;
	struct nft_state *applied; /* what the kernel holds unless has_failed; NULL = unknown */
	struct nft_run *current;
	struct nft_run *next;
	struct timer begin;
	struct timer suspicion;
	bool is_suspect;
	bool has_failed; /* the run before: what the kernel holds is read again */
	bool has_just_repaired;
	unsigned int repairs; /* without a quiet time between them */
	uint64_t repaired_ms;
	nft_result_fn on_repaired;
	void *repaired_arg;
	struct ct_past past; /* of flows that do not follow the rules yet */
	struct timer flows;
	struct backoff flows_backoff;
};

static void begin_next(void *arg);

static void report(struct nft_run *run)
{
	if (run->fn != NULL)
		run->fn(run->arg, &run->result, &run->e);
}

/* The state of a run that ended well is what the kernel holds now. After a failure it is unknown
 * what the kernel holds; it may be a table of another owner. The earlier state remains the desired
 * one, and the next run reads the tables first. */
static void keep_state(struct nft *n, struct nft_run *run)
{
	n->has_failed = run->result.code < 0;
	if (n->has_failed)
		return;
	nft_state_free(n->applied);
	n->applied = run->kind != NFT_RUN_REMOVE ? STEAL(run->state) : NULL;
}

static void suspect(struct nft *n)
{
	n->is_suspect = true;
	if (timer_is_armed(&n->suspicion))
		return;
	if (clock_now_ms() - n->repaired_ms > QUIET_MS)
		n->repairs = 0;
	unsigned int doublings = n->repairs;
	if (doublings > SUSPICION_DOUBLINGS)
		doublings = SUSPICION_DOUBLINGS;
	timer_start(&n->suspicion, backoff_jitter(SUSPICION_MS << doublings));
}

/* Foreign edits may keep coming, and a repair that failed is tried again. */
static void count_repair(struct nft *n, const struct nft_run *run)
{
	if (run->kind != NFT_RUN_REPAIR || (run->result.transactions == 0 && run->result.code == 0))
		return;
	n->repairs++;
	n->repaired_ms = clock_now_ms();
	if (err_is_transient(run->result.code))
		suspect(n);
}

/* After a run that failed altogether the caller tries again, and the flows follow then. */
static void schedule_flows(struct nft *n, const struct nft_run *run)
{
	if (!ct_past_is_pending(&n->past)) {
		timer_stop(&n->flows);
		backoff_reset(&n->flows_backoff);
	} else if (run->result.code == 0) {
		timer_start(&n->flows, backoff_next(&n->flows_backoff));
	}
}

static bool is_news(const struct nft_run *run)
{
	return run->kind != NFT_RUN_REPAIR || run->was_pending || run->repaired[0] != '\0' ||
	       run->result.code < 0;
}

static void on_run_end(void *owner, struct nft_run *run)
{
	struct nft *n = owner;
	n->current = NULL;
	count_repair(n, run);
	schedule_flows(n, run);
	if (is_news(run))
		report(run);
	/* The names in the conflicts just reported are part of the state. */
	keep_state(n, run);
	nft_run_free(run);
	timer_start(&n->begin, 0);
}

static void start_run(struct nft *n, struct nft_run *run)
{
	n->current = run;
	run->backend_ref = n->backend;
	run->applied_ref = n->has_failed ? NULL : n->applied;
	run->past_ref = &n->past;
	run->owner = n;
	run->on_end = on_run_end;
	nft_run_start(run, n->loop_ref);
}

static void begin_repair(struct nft *n)
{
	struct nft_wanted again;
	n->is_suspect = false;
	if (n->applied == NULL)
		return;
	nft_wanted_copy(&again, &n->applied->wanted);
	struct nft_run *run = nft_run_new(NFT_RUN_REPAIR, &again);
	run->fn = n->on_repaired;
	run->arg = n->repaired_arg;
	start_run(n, run);
}

static void begin_next(void *arg)
{
	struct nft *n = arg;
	if (n->current != NULL)
		return;
	/* A request gets its turn however often other programs edit. */
	bool is_turn_of_next = n->next != NULL && n->has_just_repaired;
	n->has_just_repaired = false;
	if (n->is_suspect && !timer_is_armed(&n->suspicion) && n->applied != NULL &&
		!is_turn_of_next) {
		n->has_just_repaired = true;
		begin_repair(n);
	} else if (n->next != NULL) {
		start_run(n, STEAL(n->next));
	}
}

static void on_suspicion(void *arg)
{
	begin_next(arg);
}

static void on_foreign(void *arg)
{
	suspect(arg);
}

/* A repair with nothing to repair: its last step makes pending flows follow the rules. */
static void on_flows_due(void *arg)
{
	struct nft *n = arg;
	n->is_suspect = true;
	begin_next(n);
}

struct nft *nft_new(struct loop *loop, struct nft_backend *backend_take)
{
	struct nft *n = xcalloc(1, sizeof(*n));
	n->loop_ref = loop;
	n->backend = backend_take;
	timer_init(&n->begin, loop, begin_next, n);
	n->flows_backoff = BACKOFF_INIT(FLOWS_RETRY_BASE_MS, FLOWS_RETRY_MAX_MS);
	timer_init(&n->suspicion, loop, on_suspicion, n);
	timer_init(&n->flows, loop, on_flows_due, n);
	return n;
}

void nft_free(struct nft *n)
{
	if (n == NULL)
		return;
	timer_stop(&n->begin);
	timer_stop(&n->suspicion);
	timer_stop(&n->flows);
	/* First, so that nothing is reported to a run that has been freed. */
	n->backend->ops->free(n->backend);
	nft_run_free(n->current);
	nft_run_free(n->next);
	nft_state_free(n->applied);
	ct_past_fini(&n->past);
	free(n);
}

static int claim_family(struct nft *n, const struct nft_wanted *wanted,
	const struct nft_desired *desired, enum nft_model_family family, struct err *e)
{
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	struct nft_commit c = {.plan = &plan, .wanted = wanted, .desired = desired};
	nft_plan_make_new(&plan, desired, family);
	int code = n->backend->ops->commit(n->backend, &c, e);
	if (code != -EEXIST)
		return code;
	err_clear(e);
	return 0;
}

int nft_claim(struct nft *n, const struct nft_wanted *wanted, struct err *e)
{
	AUTO(nft_desired_fini) struct nft_desired desired = {0};
	int code = nft_compile(wanted, true, &desired, e);
	for (int f = 0; f < NFT_MODEL_FAMILIES && code == 0; f++) {
		if (wanted->families[f].is_enabled)
			code = claim_family(n, wanted, &desired, (enum nft_model_family)f, e);
	}
	return code;
}

static void ask_for(struct nft *n, struct nft_run *run, nft_result_fn fn, void *arg)
{
	struct nft_run *replaced = n->next;
	run->fn = fn;
	run->arg = arg;
	n->next = run;
	timer_start(&n->begin, 0);
	if (replaced == NULL)
		return;
	replaced->result.code =
		err_set(&replaced->e, -ECANCELED, "replaced by a newer configuration");
	report(replaced);
	nft_run_free(replaced);
}

void nft_apply(struct nft *n, struct nft_wanted *wanted_take, nft_result_fn fn, void *arg)
{
	ask_for(n, nft_run_new(NFT_RUN_APPLY, wanted_take), fn, arg);
}

void nft_remove(struct nft *n, const char *owner, nft_result_fn fn, void *arg)
{
	struct nft_wanted none;
	nft_wanted_init(&none, "", owner);
	ask_for(n, nft_run_new(NFT_RUN_REMOVE, &none), fn, arg);
}

int nft_watch(struct nft *n, nft_result_fn on_repaired, void *arg, struct err *e)
{
	/* Flows are tried again even where nothing can be watched. */
	n->on_repaired = on_repaired;
	n->repaired_arg = arg;
	return n->backend->ops->watch(n->backend, on_foreign, n, e);
}
