#include "controller/tailnet/tailnet_sync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/planes/planes.h"
#include "controller/tailnet/tailnet_domain.h"
#include "controller/tailnet/tailnet_events.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

struct tailnet_sync {
	struct planes *planes_ref;
	struct planes_use use;
	struct control *control_ref; /* NULL once it is retired */
	struct control_call *call;
	struct timer timer; /* the deadline; before the first call, its beginning */
	char *tailnet, *key_id;
	struct strv tags;
	bool with_key;
	bool has_begun;
	struct tailnet_domains domains;
	struct tailnet_result result;
	tailnet_sync_fn fn;
	void *arg;
};

static void release(struct tailnet_sync *sync)
{
	control_cancel(sync->call);
	planes_end(&sync->use);
	timer_stop(&sync->timer);
	strv_fini(&sync->tags);
	free(sync->tailnet);
	free(sync->key_id);
	free(sync);
}

static void end(struct tailnet_sync *sync)
{
	const struct tailnet_result result = sync->result;
	tailnet_sync_fn fn = sync->fn;
	void *arg = sync->arg;
	release(sync);
	fn(arg, &result);
}

static const char *const operation_names[] = {
	[TAILNET_PROBE] = "probe",
	[TAILNET_LIST_DEVICES] = "list_devices",
	[TAILNET_CREATE_KEY] = "create_key",
};

/* Notes how a call has ended. Whether the sync goes on. */
static bool note(struct tailnet_sync *sync, enum tailnet_operation operation,
	const struct control_result *result, const struct err *err)
{
	sync->call = NULL;
	sync->result.operation = operation;
	sync->result.outcome = result->outcome;
	sync->result.retry_after_ms = result->retry_after_ms;
	sync->result.capabilities = *control_capabilities(sync->control_ref);
	if (result->outcome == CONTROL_OK)
		return true;
	if (err != NULL)
		sync->result.err = *err;
	if (result->outcome == CONTROL_FORBIDDEN)
		snprintf(sync->result.scope, sizeof(sync->result.scope), "%s",
			control_scope(sync->control_ref, operation_names[operation]));
	return false;
}

/* A key that stays expires soon and was given to nobody. */
static void on_key_deleted(void *arg, const struct control_result *result, const struct err *err)
{
	struct tailnet_sync *sync = arg;
	sync->call = NULL;
	if (result->outcome != CONTROL_OK)
		log_event(EV_TAILNET_KEY_STAYS, sync->tailnet, sync->key_id,
			err != NULL ? err->msg : "");
	else
		log_event(EV_TAILNET_KEY_TRIED, sync->tailnet, sync->key_id);
	end(sync);
}

static void on_key(void *arg, const struct control_key *key, const struct control_result *result,
	const struct err *err)
{
	struct tailnet_sync *sync = arg;
	if (!note(sync, TAILNET_CREATE_KEY, result, err)) {
		end(sync);
		return;
	}
	sync->result.with_key = true;
	sync->key_id = xstrdup(key->id);
	sync->call = control_delete_key(sync->control_ref, sync->key_id, on_key_deleted, sync);
}

static void on_device(void *arg, const struct control_device *device)
{
	struct tailnet_sync *sync = arg;
	if (!device->is_shared)
		tailnet_domains_add(&sync->domains, device->name, device->id);
}

static void on_devices(void *arg, const struct control_result *result, const struct err *err)
{
	struct tailnet_sync *sync = arg;
	bool goes_on = note(sync, TAILNET_LIST_DEVICES, result, err);
	if (goes_on)
		snprintf(sync->result.domain, sizeof(sync->result.domain), "%s",
			tailnet_domains_best(&sync->domains));
	if (!goes_on || !sync->with_key) {
		end(sync);
		return;
	}
	const struct control_key_request request = {
		.tags = &sync->tags,
		.expiry_s = TAILNET_KEY_EXPIRY_S,
		.ephemeral = true,
		.description = "validate",
	};
	sync->call = control_create_key(sync->control_ref, &request, on_key, sync);
}

static void on_probe(void *arg, const struct control_result *result, const struct err *err)
{
	struct tailnet_sync *sync = arg;
	if (!note(sync, TAILNET_PROBE, result, err)) {
		end(sync);
		return;
	}
	const struct control_devices sink = {
		.on_device = on_device, .on_end = on_devices, .arg = sync};
	sync->call = control_list_devices(sync->control_ref, &sink);
}

static void on_retired(void *arg)
{
	struct tailnet_sync *sync = arg;
	control_cancel(sync->call);
	sync->call = NULL;
	sync->result.is_void = true;
	end(sync);
}

static void on_timer(void *arg)
{
	struct tailnet_sync *sync = arg;
	if (sync->has_begun) {
		sync->result.outcome = CONTROL_UNAVAILABLE;
		err_set(&sync->result.err, -ETIMEDOUT, "no answer within %d s",
			TAILNET_SYNC_MS / 1000);
		end(sync);
		return;
	}
	sync->has_begun = true;
	sync->control_ref = planes_begin(sync->planes_ref, sync->tailnet, &sync->use);
	if (sync->control_ref == NULL) {
		sync->result.is_void = true;
		end(sync);
		return;
	}
	timer_start(&sync->timer, TAILNET_SYNC_MS);
	sync->call = control_probe(sync->control_ref, on_probe, sync);
}

struct tailnet_sync *tailnet_sync_start(struct loop *loop, struct planes *planes,
	const struct tailnet_request *request, tailnet_sync_fn fn, void *arg)
{
	struct tailnet_sync *sync = xcalloc(1, sizeof(*sync));
	sync->planes_ref = planes;
	sync->use.on_retired = on_retired;
	sync->use.arg = sync;
	sync->tailnet = xstrdup(request->tailnet);
	strv_copy(&sync->tags, request->tags);
	sync->with_key = request->with_key;
	sync->fn = fn;
	sync->arg = arg;
	timer_init(&sync->timer, loop, on_timer, sync);
	timer_start(&sync->timer, 0);
	return sync;
}

void tailnet_sync_cancel(struct tailnet_sync *sync)
{
	if (sync != NULL)
		release(sync);
}
