#include "boot/store/store_recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "boot/store/node_store.h"
#include "boot/store/store_events.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_secret.h"
#include "statestore/statestore.h"

/* A recovered server answers soon. */
#define QUESTION_TIMEOUT_MS 1000
#define STATE_FILE "tailscaled.state"

static void ask(void *arg);

static const char *place(const struct store_recovery *r)
{
	const char *state_dir = r->store_ref->partners.settings->state_dir;
	if (r->store_ref->kube != NULL)
		return statestore_describe(r->store_ref->store);
	return state_dir[0] != '\0' ? state_dir : "the place of tailscaled's state";
}

static void answered(struct store_recovery *r)
{
	r->is_asking = false;
	r->was_answered = true;
	backoff_reset(&r->questions);
	log_event(EV_STORE_BACK, place(r));
	r->on_answer(r->arg);
}

static void ask_later(struct store_recovery *r)
{
	timer_start(&r->timer, backoff_next(&r->questions));
}

static void on_secret(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct store_recovery *r = arg;
	(void)reply;
	r->call = NULL;
	/* The daemon creates a missing one. */
	if (err == NULL || err->code == -ENOENT)
		answered(r);
	else
		ask_later(r);
}

/* The state must be created: checks whether the folder can be written. */
static bool takes_files(const char *dir)
{
	AUTO(fd_close) int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		return write(fd, "{}", 2) == 2;
	/* Not every file system supports unnamed files. */
	return errno == EOPNOTSUPP && faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0;
}

static bool folder_answers(const char *dir)
{
	char byte;
	AUTO(mem_free) char *path = xasprintf("%s/" STATE_FILE, dir);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = fd >= 0 ? read(fd, &byte, 1) : errno == ENOENT ? 0 : -1;
	return got > 0 || (got == 0 && takes_files(dir));
}

static void ask(void *arg)
{
	struct store_recovery *r = arg;
	const struct settings *settings = r->store_ref->partners.settings;
	if (r->store_ref->kube != NULL)
		r->call = kube_secret_get_within(r->store_ref->kube, settings->kube_secret,
			QUESTION_TIMEOUT_MS, on_secret, r);
	else if (settings->state_dir[0] == '\0' || folder_answers(settings->state_dir))
		answered(r); /* a place that the daemon's own arguments name cannot be asked */
	else
		ask_later(r);
}

void store_recovery_init(struct store_recovery *r, struct loop *loop,
	const struct node_store *store, void (*on_answer)(void *arg), void *arg)
{
	const struct times *t = store->partners.times;
	*r = (struct store_recovery){
		.store_ref = store,
		.on_answer = on_answer,
		.arg = arg,
		.questions = BACKOFF_INIT(t->store_ask_base_ms, t->store_ask_max_ms),
		.restarts = BACKOFF_INIT(t->daemon_backoff_base_ms, t->daemon_backoff_max_ms),
	};
	timer_init(&r->timer, loop, ask, r);
}

void store_recovery_begin(struct store_recovery *r)
{
	if (r->is_asking)
		return;
	r->is_asking = true;
	timer_start(&r->timer, r->was_answered ? backoff_next(&r->restarts) : 0);
}

void store_recovery_pause(struct store_recovery *r)
{
	timer_stop(&r->timer);
	kube_cancel(r->call);
	r->call = NULL;
	r->is_asking = false;
}

void store_recovery_end(struct store_recovery *r)
{
	store_recovery_pause(r);
	r->was_answered = false;
	backoff_reset(&r->questions);
	backoff_reset(&r->restarts);
}
