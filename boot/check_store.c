/*
 * `tailboot check`: the place for the state, a Secret or a folder.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "boot/check_report.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "boot/store/kube_client.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"
#include "lib/kube/kube.h"
#include "statestore/store_dir.h"
#include "statestore/store_kube.h"

/* Deadline for all answers of the API server. */
#define ANSWER_MS 5000
/* A volume with less free space counts as full: the daemon replaces its state by a second copy. */
#define ROOM_MIN ((uint64_t)16 * 1024)

struct question {
	struct check *check_ref;
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct kube *kube;
	struct store_kube_setup *setup;
	struct timer limit;
};

static void on_facts(void *arg, const struct store_kube_facts *facts, const struct err *err)
{
	struct question *q = arg;
	q->setup = NULL;
	if (err != NULL)
		check_fault(q->check_ref, "%s", err->msg);
	else if (!facts->can_patch)
		check_fault(q->check_ref, "%s: nothing will be published", facts->cannot_patch.msg);
	else
		check_pass(q->check_ref, "the Secret %s %s, and may be written",
			q->check_ref->s->kube_secret, facts->exists ? "exists" : "will be created");
	loop_stop(q->loop);
}

static void on_limit(void *arg)
{
	struct question *q = arg;
	const char *why = store_kube_setup_last_error(q->setup);
	check_fault(
		q->check_ref, "the API server does not answer%s%s", *why != '\0' ? ": " : "", why);
	loop_stop(q->loop);
}

static int ask(struct question *q, struct err *e)
{
	const struct settings *s = q->check_ref->s;
	const struct times *times = times_get(s->test_fast);
	struct store_kube_setup_options options = {
		.secret = s->kube_secret,
		.retry_base_ms = times->retry_base_ms,
		.retry_max_ms = times->retry_max_ms,
	};
	q->loop = loop_new(e);
	q->fetcher = q->loop != NULL ? fetcher_new(q->loop, e) : NULL;
	q->resolver = q->fetcher != NULL ? resolver_new(q->loop, e) : NULL;
	q->kube = q->resolver != NULL ? kube_client_new(s, q->loop, q->fetcher, q->resolver, e)
				      : NULL;
	if (q->kube == NULL)
		return e->code;
	timer_init(&q->limit, q->loop, on_limit, q);
	timer_start(&q->limit, ANSWER_MS);
	q->setup = store_kube_setup_start(q->loop, q->kube, &options, on_facts, q);
	int code = loop_run(q->loop, e);
	timer_stop(&q->limit);
	return code;
}

/* The same requests as at the start of a run; nothing is changed. */
static void check_permissions(struct check *c)
{
	struct err e;
	struct question q = {.check_ref = c};
	if (ask(&q, &e) < 0)
		check_fault(c, "%s", e.msg);
	store_kube_setup_cancel(q.setup);
	kube_free(q.kube);
	resolver_free(q.resolver);
	fetcher_free(q.fetcher);
	loop_free(q.loop);
}

static void check_account(struct check *c)
{
	static const char *const names[] = {"namespace", "token", "ca.crt"};
	size_t faults = c->faults;
	AUTO(mem_free) char *dir = settings_account_dir(c->s);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(mem_free) char *path = xasprintf("%s/%s", dir, names[i]);
		if (access(path, R_OK) < 0)
			check_fault(c, "service account: %s: %s", path, strerror(errno));
	}
	if (c->faults > faults)
		return;
	check_pass(c, "state is kept in the Secret %s", c->s->kube_secret);
	if (c->s->in_kubernetes)
		check_permissions(c);
}

/* True when a file can be made in the folder, as far as that is known without making one. */
static bool takes_files(struct check *c, const char *path)
{
	struct stat st;
	struct statvfs volume;
	if (stat(path, &st) < 0 || (S_ISDIR(st.st_mode) && access(path, W_OK | X_OK) < 0) ||
		statvfs(path, &volume) < 0) {
		check_fault(c, "TS_STATE_DIR: %s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		check_fault(c, "TS_STATE_DIR: %s is no folder", path);
		return false;
	}
	uint64_t room = (uint64_t)volume.f_bavail * volume.f_frsize;
	if (room < ROOM_MIN) {
		check_fault(c, "TS_STATE_DIR: %s: the volume is full, %llu bytes are left", path,
			(unsigned long long)room);
		return false;
	}
	if (volume.f_files > 0 && volume.f_favail == 0) {
		check_fault(c, "TS_STATE_DIR: %s: the volume is full, no inode is left", path);
		return false;
	}
	return true;
}

/* The folder, or its nearest existing parent, must be writable, and so must the files below. */
static void check_state_dir(struct check *c)
{
	AUTO(mem_free) char *path = xstrdup(c->s->state_dir);
	AUTO(mem_free) char *published = xasprintf("%s/" STORE_DIR_PUBLISHED, c->s->state_dir);
	struct stat st;
	char *slash;
	while (stat(path, &st) < 0 && errno == ENOENT && (slash = strrchr(path, '/')) != NULL &&
		slash != path)
		*slash = '\0';
	if (takes_files(c, path) && (lstat(published, &st) < 0 || takes_files(c, published)))
		check_pass(c, "state is kept in %s", c->s->state_dir);
}

void check_store(struct check *c)
{
	if (*c->s->kube_secret != '\0')
		check_account(c);
	else if (*c->s->state_dir != '\0')
		check_state_dir(c);
	else
		check_pass(c, "state is kept in memory: the node is a new one after each start");
}
