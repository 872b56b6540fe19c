#include "lib/nft/nft.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/nft/nft_run.h"

/* Edits of others come in groups: a moment, so that one reading sees them all. */
#define SUSPICION_MS 20

struct nft {
	struct loop *loop_ref;
	struct nft_backend *backend;
	struct nft_state *applied; /* what the kernel holds; NULL = not known */
	struct nft_run *current;
	struct nft_run *next;
	struct timer begin;
	struct timer suspicion;
	bool is_suspect;
	nft_result_fn on_repaired;
	void *repaired_arg;
};

static void begin_next(void *arg);

static void tell(struct nft_run *run)
{
	if (run->fn != NULL)
		run->fn(run->arg, &run->result, &run->e);
}

/* The state of a run that ended well is what the kernel holds now. */
static void keep_state(struct nft *n, struct nft_run *run)
{
	if (run->result.code == 0 || run->result.transactions > 0) {
		nft_state_free(n->applied);
		n->applied = NULL;
	}
	if (run->result.code == 0 && run->kind != NFT_RUN_REMOVE)
		n->applied = STEAL(run->state);
}

static void on_run_end(void *owner, struct nft_run *run)
{
	struct nft *n = owner;
	n->current = NULL;
	if (run->kind != NFT_RUN_REPAIR || run->repaired[0] != '\0' || run->result.code < 0)
		tell(run);
	/* The names of conflicts told just now are part of the state. */
	keep_state(n, run);
	nft_run_free(run);
	timer_start(&n->begin, 0);
}

static void start_run(struct nft *n, struct nft_run *run)
{
	n->current = run;
	run->backend_ref = n->backend;
	run->applied_ref = n->applied;
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
	if (n->is_suspect && !timer_is_armed(&n->suspicion) && n->applied != NULL)
		begin_repair(n);
	else if (n->next != NULL)
		start_run(n, STEAL(n->next));
}

static void on_suspicion(void *arg)
{
	begin_next(arg);
}

static void on_foreign(void *arg)
{
	struct nft *n = arg;
	n->is_suspect = true;
	if (!timer_is_armed(&n->suspicion))
		timer_start(&n->suspicion, SUSPICION_MS);
}

struct nft *nft_new(struct loop *loop, struct nft_backend *backend_take)
{
	struct nft *n = xcalloc(1, sizeof(*n));
	n->loop_ref = loop;
	n->backend = backend_take;
	timer_init(&n->begin, loop, begin_next, n);
	timer_init(&n->suspicion, loop, on_suspicion, n);
	return n;
}

void nft_free(struct nft *n)
{
	if (n == NULL)
		return;
	timer_stop(&n->begin);
	timer_stop(&n->suspicion);
	/* First, so that nothing is told to a run that is gone. */
	n->backend->ops->free(n->backend);
	nft_run_free(n->current);
	nft_run_free(n->next);
	nft_state_free(n->applied);
	free(n);
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
	tell(replaced);
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
	int code = n->backend->ops->watch(n->backend, on_foreign, n, e);
	if (code == 0) {
		n->on_repaired = on_repaired;
		n->repaired_arg = arg;
	}
	return code;
}
