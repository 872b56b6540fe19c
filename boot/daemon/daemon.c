#include "boot/daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot/daemon/daemon_conditions.h"
#include "boot/daemon/daemon_end.h"
#include "boot/daemon/daemon_events.h"
#include "boot/daemon/daemon_socket.h"
#include "boot/daemon/daemon_table.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fswatch.h"
#include "lib/io/proc.h"
#include "lib/io/timer.h"

#define PROBE_FIRST_MS 5
#define PROBE_MAX_MS 100
/* Closing an inotify descriptor waits for a grace period of the kernel, 5 ms and more: not on
 * the way of a start. */
#define UNWATCH_DELAY_MS 250
/* Restarts that are made at once before the back-off begins. */
#define IMMEDIATE_RESTARTS 5
/* How long a daemon may take to end before it is started anew. */
#define RECYCLE_TERM_MS 5000
#define STATUS_TEXT_MAX 256
#define LAST_LINE_MAX 400

struct daemon {
	struct loop *loop_ref;
	struct proc_table *procs_ref;
	struct condition_set *conditions_ref;
	struct daemon_events events;
	char *socket;
	void (*make_args)(void *arg, struct strv *out);
	void *make_args_arg;
	char *const *envp_ref;
	char *path; /* of the program, found once */
	struct proc *proc;
	enum daemon_state state;
	bool ever_ready;

	struct timer timer;   /* of the state: start deadline, restart, kill */
	struct timer probe;   /* of the socket */
	struct timer stopped; /* delivers on_stopped outside of the call */
	uint32_t probe_ms;
	struct fswatch *watch; /* of the socket's directory, while starting and a little longer */
	struct timer unwatch;

	struct backoff backoff;
	uint64_t window_ms;
	uint32_t limit;
	uint64_t *crashes; /* times of those within the window, at most limit + 1 */
	size_t crash_count;
	uint64_t start_timeout_ms;
	uint64_t term_ms;
	struct daemon_end end; /* of its processes */
	char status[STATUS_TEXT_MAX];
};

static void dispatch(struct daemon *d, enum daemon_event event);

static void stop_watching(void *arg)
{
	struct daemon *d = arg;
	timer_stop(&d->unwatch);
	fswatch_free(d->watch);
	d->watch = NULL;
}

static void stop_probing(struct daemon *d)
{
	timer_stop(&d->probe);
	if (d->watch != NULL && !timer_is_armed(&d->unwatch))
		timer_start(&d->unwatch, UNWATCH_DELAY_MS);
}

static void probe_now(void *arg)
{
	struct daemon *d = arg;
	if (d->state != DAEMON_STATE_STARTING)
		return;
	if (daemon_socket_accepts(d->socket)) {
		dispatch(d, DAEMON_EVENT_CONNECTED);
		return;
	}
	timer_start(&d->probe, d->probe_ms);
	d->probe_ms = d->probe_ms * 2 > PROBE_MAX_MS ? PROBE_MAX_MS : d->probe_ms * 2;
}

static void start_probing(struct daemon *d)
{
	d->probe_ms = PROBE_FIRST_MS;
	timer_stop(&d->unwatch);
	if (d->watch == NULL)
		d->watch = fswatch_new_for_file(d->loop_ref, d->socket, 0, probe_now, d);
	timer_start(&d->probe, d->probe_ms);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct daemon *d = arg;
	(void)stream;
	daemon_end_feed(&d->end, data, len);
}

static void on_ended(void *arg, int wstatus)
{
	struct daemon *d = arg;
	if (d->state == DAEMON_STATE_OVERDUE)
		snprintf(d->status, sizeof(d->status), "its socket was not ready within %llu ms",
			(unsigned long long)d->start_timeout_ms);
	else
		daemon_end_format(&d->end, wstatus, d->status, sizeof(d->status));
	proc_free(d->proc);
	d->proc = NULL;
	dispatch(d, DAEMON_EVENT_EXITED);
}

static int spawn(struct daemon *d, struct err *e)
{
	AUTO(strv_wipe) struct strv args = {0};
	d->make_args(d->make_args_arg, &args);
	struct proc_spec spec = {
		.path = d->path,
		.args = &args,
		.envp = d->envp_ref,
		.err = PROC_STDIO_PIPE,
		.own_group = true,
		.death_signal = SIGKILL,
	};
	daemon_end_begin(&d->end);
	d->proc = proc_spawn(d->procs_ref, &spec, on_output, on_ended, d, e);
	if (d->proc == NULL)
		return e->code;
	start_probing(d);
	return 0;
}

static void signal_daemon(struct daemon *d, int signo)
{
	struct err e;
	/* -ESRCH: its exit is about to be reported. */
	if (proc_signal(d->proc, signo, &e) < 0 && e.code != -ESRCH)
		log_event(EV_DAEMON_SIGNAL_FAILED, e.msg);
}

/* Crashes within the window, the newest included. */
static size_t count_crash(struct daemon *d)
{
	uint64_t now = clock_now_ms();
	size_t kept = 0;
	for (size_t i = 0; i < d->crash_count; i++) {
		if (now - d->crashes[i] <= d->window_ms)
			d->crashes[kept++] = d->crashes[i];
	}
	d->crashes = xrealloc(d->crashes, kept + 1, sizeof(*d->crashes));
	d->crashes[kept] = now;
	d->crash_count = kept + 1;
	return d->crash_count;
}

static void give_up(struct daemon *d, bool never_ran, size_t crashes)
{
	char line[LAST_LINE_MAX];
	daemon_end_last_line(&d->end, line, sizeof(line));
	struct daemon_failure failure = {never_ran, crashes, d->status, line};
	d->state = DAEMON_STATE_ENDED;
	d->events.on_failed(d->events.arg, &failure);
}

static void crashed(struct daemon *d)
{
	timer_stop(&d->timer);
	stop_probing(d);
	if (!d->ever_ready) {
		give_up(d, true, 1);
		return;
	}
	size_t recent = count_crash(d);
	condition_raise(
		d->conditions_ref, CONDITION_DAEMON_DOWN, "tailscaled ended: %s", d->status);
	if (recent > d->limit) {
		give_up(d, false, recent);
		return;
	}
	uint64_t delay = 0;
	if (recent > IMMEDIATE_RESTARTS)
		delay = backoff_next(&d->backoff);
	else
		backoff_reset(&d->backoff);
	log_event(EV_DAEMON_RESTARTING, d->status, (unsigned long long)delay, recent, d->limit);
	d->events.on_down(d->events.arg, d->status);
	/* The callback may have stopped us. */
	if (d->state == DAEMON_STATE_WAITING)
		timer_start(&d->timer, delay);
}

static void respawn(struct daemon *d)
{
	struct err e;
	timer_stop(&d->timer);
	stop_probing(d);
	log_event(EV_DAEMON_STARTING);
	if (spawn(d, &e) == 0) {
		timer_start(&d->timer, d->start_timeout_ms);
		return;
	}
	/* Waiting does not help against a missing or broken program. */
	if (!err_is_transient(e.code)) {
		snprintf(d->status, sizeof(d->status), "%.*s", STATUS_TEXT_MAX - 1, e.msg);
		d->state = DAEMON_STATE_WAITING;
		crashed(d);
		return;
	}
	/* Nothing ran, so nothing crashed: the host lacks a resource for the start, which may
	 * become available again. */
	condition_raise(d->conditions_ref, CONDITION_DAEMON_DOWN,
		"tailscaled cannot be started: %s", e.msg);
	d->state = DAEMON_STATE_WAITING;
	timer_start(&d->timer, backoff_next(&d->backoff));
}

static void terminate(struct daemon *d, uint64_t kill_after_ms)
{
	stop_probing(d);
	log_event(EV_DAEMON_SIGTERM);
	signal_daemon(d, SIGTERM);
	signal_daemon(d, SIGCONT); /* a stopped process handles SIGTERM only then */
	timer_start(&d->timer, kill_after_ms);
}

static void kill_overdue(struct daemon *d)
{
	stop_probing(d);
	log_event(EV_DAEMON_OVERDUE, (unsigned long long)d->start_timeout_ms);
	signal_daemon(d, SIGKILL);
}

static void kill_daemon(struct daemon *d)
{
	log_event(EV_DAEMON_SIGKILL);
	signal_daemon(d, SIGKILL);
}

static void ready(struct daemon *d)
{
	timer_stop(&d->timer);
	stop_probing(d);
	d->ever_ready = true;
	condition_clear(d->conditions_ref, CONDITION_DAEMON_DOWN);
	d->events.on_ready(d->events.arg);
}

static void report_stopped(void *arg)
{
	struct daemon *d = arg;
	d->events.on_stopped(d->events.arg);
}

static void stopped(struct daemon *d)
{
	timer_stop(&d->timer);
	stop_probing(d);
	if (d->status[0] != '\0')
		log_event(EV_DAEMON_EXITED);
	d->status[0] = '\0';
	timer_start(&d->stopped, 0);
}

static void dispatch(struct daemon *d, enum daemon_event event)
{
	struct daemon_cell cell = daemon_table_look_up(d->state, event);
	log_event(EV_DAEMON_TRANSITION, daemon_state_name(d->state), daemon_event_name(event),
		daemon_state_name(cell.next));
	d->state = cell.next;
	switch (cell.action) {
	case DAEMON_ACTION_SPAWN: /* daemon_start does it: it reports the error to its caller */
	case DAEMON_ACTION_NONE:
	case DAEMON_ACTION_COUNT:
		break;
	case DAEMON_ACTION_READY:
		ready(d);
		break;
	case DAEMON_ACTION_CRASHED:
		crashed(d);
		break;
	case DAEMON_ACTION_RESPAWN:
		respawn(d);
		break;
	case DAEMON_ACTION_KILL_OVERDUE:
		kill_overdue(d);
		break;
	case DAEMON_ACTION_RECYCLE:
		terminate(d, RECYCLE_TERM_MS);
		d->events.on_down(d->events.arg, "restarted on purpose");
		break;
	case DAEMON_ACTION_TERMINATE:
		terminate(d, d->term_ms);
		break;
	case DAEMON_ACTION_KILL_RECYCLED:
	case DAEMON_ACTION_KILL:
		kill_daemon(d);
		break;
	case DAEMON_ACTION_STOPPED:
		stopped(d);
		break;
	}
}

static void on_timer(void *arg)
{
	dispatch(arg, DAEMON_EVENT_TIMER);
}

struct daemon *daemon_new(struct loop *loop, struct proc_table *procs,
	struct condition_set *conditions, const struct daemon_options *options,
	const struct daemon_events *events)
{
	struct daemon *d = xcalloc(1, sizeof(*d));
	d->loop_ref = loop;
	d->procs_ref = procs;
	d->conditions_ref = conditions;
	d->events = *events;
	d->socket = xstrdup(options->socket);
	d->make_args = options->make_args;
	d->make_args_arg = options->make_args_arg;
	d->envp_ref = options->envp;
	d->limit = options->restart_limit;
	d->window_ms = options->restart_window_ms;
	daemon_end_init(&d->end, options->root, options->mask);
	d->start_timeout_ms = options->start_timeout_ms;
	d->backoff = BACKOFF_INIT(options->backoff_base_ms, options->backoff_max_ms);
	timer_init(&d->timer, loop, on_timer, d);
	timer_init(&d->probe, loop, probe_now, d);
	timer_init(&d->stopped, loop, report_stopped, d);
	timer_init(&d->unwatch, loop, stop_watching, d);
	return d;
}

void daemon_free(struct daemon *d)
{
	if (d == NULL)
		return;
	timer_stop(&d->probe);
	stop_watching(d);
	timer_stop(&d->timer);
	timer_stop(&d->stopped);
	proc_free(d->proc);
	daemon_end_fini(&d->end);
	free(d->crashes);
	free(d->socket);
	free(d->path);
	free(d);
}

int daemon_start(struct daemon *d, struct err *e)
{
	d->path = proc_find("tailscaled", e);
	if (d->path == NULL)
		return err_wrap(e, "starting tailscaled failed");
	log_event(EV_DAEMON_STARTING);
	if (spawn(d, e) < 0)
		return err_wrap(e, "starting tailscaled failed");
	log_event(EV_DAEMON_SOCKET_WAIT, d->socket);
	dispatch(d, DAEMON_EVENT_START);
	return 0;
}

void daemon_stop(struct daemon *d, uint64_t term_ms)
{
	d->term_ms = term_ms;
	dispatch(d, DAEMON_EVENT_STOP);
}

void daemon_restart(struct daemon *d)
{
	dispatch(d, DAEMON_EVENT_RESTART);
}

bool daemon_is_up(const struct daemon *d)
{
	return d->state == DAEMON_STATE_UP;
}

bool daemon_has_process(const struct daemon *d)
{
	return d->proc != NULL;
}
