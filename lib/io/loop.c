#include "lib/io/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/timer_heap.h"

/* Events read from the kernel in one turn: bounds how long timers can be delayed. */
#define BATCH_MAX 64

struct loop {
	int epoll_fd;
	bool in_turn;
	bool in_batch;
	bool stop;
	struct loop_source *first; /* those that are watched */
	struct loop_source *dead;  /* removed during the batch, freed after it */
	struct timer_heap timers;
	uint64_t longest_turn_ns;
};

struct loop_source {
	struct loop *loop_ref;
	int fd;
	uint32_t events;
	loop_fn fn; /* NULL once removed */
	void *arg;
	struct loop_source *prev, *next;
	struct loop_source *next_dead;
};

struct timer_heap *loop_timer_heap(struct loop *loop)
{
	return &loop->timers;
}

struct loop *loop_new(struct err *e)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0) {
		err_set_errno(e, -errno, "create event loop");
		return NULL;
	}
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->epoll_fd = fd;
	return loop;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	fd_close(&loop->epoll_fd);
	timer_heap_fini(&loop->timers);
	free(loop);
}

/* The kernel always reports EPOLLHUP and EPOLLERR, which would wake the loop for ever while a
 * parked source is hung up. Edge-triggered, it costs one wake-up that is not passed on; setting
 * events again makes the kernel check the descriptor anew, so nothing is lost. */
static uint32_t kernel_events(uint32_t events)
{
	return events ? events : (uint32_t)EPOLLET;
}

static int watch(struct loop_source *source)
{
	struct epoll_event event = {.events = kernel_events(source->events), .data.ptr = source};
	return epoll_ctl(source->loop_ref->epoll_fd, EPOLL_CTL_ADD, source->fd, &event);
}

static void link_source(struct loop_source *source)
{
	struct loop *loop = source->loop_ref;
	source->next = loop->first;
	if (source->next != NULL)
		source->next->prev = source;
	loop->first = source;
}

static void unlink_source(struct loop_source *source)
{
	if (source->next != NULL)
		source->next->prev = source->prev;
	if (source->prev != NULL)
		source->prev->next = source->next;
	else
		source->loop_ref->first = source->next;
}

struct loop_source *loop_add(
	struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg, struct err *e)
{
	struct loop_source *source = xcalloc(1, sizeof(*source));

	*source = (struct loop_source){
		.loop_ref = loop, .fd = fd, .events = events, .fn = fn, .arg = arg};
	if (watch(source) < 0) {
		err_set_errno(e, -errno, "watch descriptor %d", fd);
		free(source);
		return NULL;
	}
	link_source(source);
	return source;
}

void loop_source_set(struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = kernel_events(events), .data.ptr = source};

	if (source->events == events)
		return;
	source->events = events;
	/* Changing what is registered needs no memory; this fails only when the owner closed the
	 * descriptor before it removed the source, and then there is nothing left to watch. */
	(void)epoll_ctl(source->loop_ref->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_source_remove(struct loop_source *source)
{
	if (source == NULL || source->fn == NULL)
		return;
	struct loop *loop = source->loop_ref;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fn = NULL;
	unlink_source(source);
	if (!loop->in_batch) {
		free(source);
		return;
	}
	source->next_dead = loop->dead;
	loop->dead = source;
}

static void dispatch(struct loop *loop, const struct epoll_event *batch, int count)
{
	loop->in_batch = true;
	for (int i = 0; i < count; i++) {
		struct loop_source *source = batch[i].data.ptr;

		if (source->fn == NULL)
			continue;
		/* An earlier callback of this batch may have narrowed or parked the source. */
		uint32_t wanted = source->events ? source->events | EPOLLERR | EPOLLHUP : 0;
		if (batch[i].events & wanted)
			source->fn(source->arg, batch[i].events & wanted);
	}
	loop->in_batch = false;
	while (loop->dead != NULL) {
		struct loop_source *source = loop->dead;

		loop->dead = source->next_dead;
		free(source);
	}
}

int loop_turn(struct loop *loop, int timeout_ms, struct err *e)
{
	struct epoll_event batch[BATCH_MAX];
	int wait_ms = timer_heap_wait_ms(&loop->timers, clock_now_ms());

	if (loop->in_turn)
		return err_set(e, -EBUSY, "event loop run from one of its own callbacks");
	if (wait_ms < 0 || (timeout_ms >= 0 && timeout_ms < wait_ms))
		wait_ms = timeout_ms;
	int count = epoll_wait(loop->epoll_fd, batch, BATCH_MAX, wait_ms);
	if (count < 0 && errno != EINTR)
		return err_set_errno(e, -errno, "wait for events");

	/* Timers that callbacks arm from here on wait for the next turn, so that a timer that
	 * re-arms itself with no delay cannot starve the descriptors. */
	uint64_t begun_ns = clock_now_ns();
	uint64_t armed = loop->timers.armed;
	loop->in_turn = true;
	dispatch(loop, batch, count < 0 ? 0 : count);
	timer_heap_fire(&loop->timers, begun_ns / CLOCK_NS_PER_MS, armed);
	loop->in_turn = false;
	log_report_dropped();
	uint64_t took_ns = clock_now_ns() - begun_ns;
	if (took_ns > loop->longest_turn_ns)
		loop->longest_turn_ns = took_ns;
	return 0;
}

int loop_run(struct loop *loop, struct err *e)
{
	int code = 0;

	while (!loop->stop && code == 0)
		code = loop_turn(loop, -1, e);
	loop->stop = false;
	return code;
}

uint64_t loop_longest_turn_ns(const struct loop *loop)
{
	return loop->longest_turn_ns;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

int loop_renew(struct loop *loop, struct err *e)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, -errno, "create event loop");
	fd_close(&loop->epoll_fd);
	loop->epoll_fd = fd;
	/* A source with a closed descriptor is silent, as it was before. */
	for (struct loop_source *source = loop->first; source != NULL; source = source->next)
		(void)watch(source);
	return 0;
}
