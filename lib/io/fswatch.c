#include "lib/io/fswatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/fswatch_path.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"

/* How often the path is compared, or the directory polled where inotify is not available. */
#define RECHECK_MS 5000
/* A stream of events without a pause gives a call at least every so many debounce times. */
#define DEBOUNCE_TIMES_MAX 4
/* Bytes of events in one read, and reads of one turn: 64 KiB. */
#define READ_SIZE 16384
#define READS_PER_TURN 4

struct fswatch {
	struct loop *loop_ref;
	struct fswatch_path path;
	struct loop_source *source; /* NULL while polling */
	struct timer recheck;
	struct timer debounce;
	uint64_t latest_ms; /* when the callback is due at the latest, while debounce is armed */
	uint32_t debounce_ms;
	fswatch_fn fn;
	void *arg;
};

static void on_readable(void *arg, uint32_t events);

static void note_change(struct fswatch *w)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t due_ms = now_ms + w->debounce_ms;

	if (!timer_is_armed(&w->debounce))
		w->latest_ms = now_ms + (uint64_t)w->debounce_ms * DEBOUNCE_TIMES_MAX;
	timer_start_at(&w->debounce, due_ms < w->latest_ms ? due_ms : w->latest_ms);
}

static void follow_path(struct fswatch *w)
{
	struct err e = {0};

	loop_source_remove(STEAL(w->source));
	if (!fswatch_path_open(&w->path))
		return;
	w->source = loop_add(w->loop_ref, w->path.fd, EPOLLIN, on_readable, w, &e);
	if (!w->source)
		fswatch_path_close(&w->path);
}

/* Events between the old watches and the new are lost, so the content counts as changed, unless the
 * directory was and is absent. */
static void follow_path_anew(struct fswatch *w)
{
	bool existed = fswatch_path_exists(&w->path);

	follow_path(w);
	if (existed || fswatch_path_exists(&w->path))
		note_change(w);
}

static unsigned int classify_all(const struct fswatch_path *path, const char *bytes, size_t len)
{
	unsigned int news = FSWATCH_NEWS_NONE;
	size_t at = 0;

	while (at < len) {
		const struct inotify_event *event = (const void *)(bytes + at);

		news |= fswatch_path_classify(path, event);
		at += sizeof(*event) + event->len;
	}
	return news;
}

static void on_readable(void *arg, uint32_t events)
{
	struct fswatch *w = arg;
	unsigned int news = FSWATCH_NEWS_NONE;
	union {
		char bytes[READ_SIZE];
		struct inotify_event event;
	} batch;

	(void)events;
	for (int reads = 0; reads < READS_PER_TURN; reads++) {
		ssize_t got = read(w->path.fd, &batch, sizeof(batch));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		news |= classify_all(&w->path, batch.bytes, (size_t)got);
	}
	if (news & FSWATCH_NEWS_PATH)
		follow_path_anew(w);
	else if (news & FSWATCH_NEWS_CONTENT)
		note_change(w);
}

static void on_recheck(void *arg)
{
	struct fswatch *w = arg;

	timer_start(&w->recheck, RECHECK_MS);
	if (!w->source) {
		/* The limits of inotify are per user of the host and may permit another watch by
		 * now. */
		follow_path(w);
		note_change(w);
	} else if (!fswatch_path_is_current(&w->path)) {
		follow_path_anew(w);
	}
}

/* The callback may free the watch: it is not accessed afterwards. */
static void on_debounced(void *arg)
{
	struct fswatch *w = arg;

	w->fn(w->arg);
}

struct fswatch *fswatch_new(
	struct loop *loop, const char *directory, uint32_t debounce_ms, fswatch_fn fn, void *arg)
{
	struct fswatch *w = xcalloc(1, sizeof(*w));

	w->loop_ref = loop;
	w->debounce_ms = debounce_ms;
	w->fn = fn;
	w->arg = arg;
	timer_init(&w->recheck, loop, on_recheck, w);
	timer_init(&w->debounce, loop, on_debounced, w);
	fswatch_path_init(&w->path, directory);
	follow_path(w);
	timer_start(&w->recheck, RECHECK_MS);
	return w;
}

struct fswatch *fswatch_new_for_file(
	struct loop *loop, const char *path, uint32_t debounce_ms, fswatch_fn fn, void *arg)
{
	const char *slash = strrchr(path, '/');
	/* The root keeps its slash; a bare name is in the working directory. */
	size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
	AUTO(mem_free) char *directory = slash == NULL ? xstrdup(".") : xstrndup(path, len);

	return fswatch_new(loop, directory, debounce_ms, fn, arg);
}

void fswatch_free(struct fswatch *w)
{
	if (w == NULL)
		return;
	timer_stop(&w->recheck);
	timer_stop(&w->debounce);
	loop_source_remove(w->source);
	fswatch_path_fini(&w->path);
	free(w);
}

bool fswatch_is_notified(const struct fswatch *w)
{
	return w->source != NULL;
}
