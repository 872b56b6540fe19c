#include "lib/io/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/proc_launch.h"
#include "lib/io/timer.h"

/* Bytes of one read, and reads of one stream in a turn: 64 KiB. */
#define READ_SIZE ((size_t)16 * 1024)
#define READS_PER_TURN 4
/* Reads of one stream before the exit is reported: more than the largest pipe an ordinary user can
 * make (1 MiB), so a child's own output fits, and a grandchild that keeps writing cannot delay
 * us. */
#define READS_AT_EXIT 128
/* Children reaped in a turn. */
#define REAPS_PER_TURN 128
/* Between two checks of children that are being ended without the loop. */
#define END_POLL_MS 10

struct proc_stream {
	struct proc *proc_ref;
	struct loop_source *source; /* NULL without a pipe, and after its end */
	int fd;
	int number; /* 1 or 2 */
};

struct proc {
	struct proc_table *table_ref;
	struct proc *prev, *next;
	pid_t pid; /* 0 once reaped */
	proc_output_fn output_fn;
	proc_exit_fn exit_fn;
	void *arg;
	struct proc_stream streams[2];
	unsigned int in_use; /* callbacks of ours on the stack */
	bool freed;          /* by its owner: callbacks are over */
};

struct proc_table {
	struct loop *loop_ref;
	struct proc *first;
	struct timer again;
	uint64_t orphans;
	bool reaping;
};

static void stream_close(struct proc_stream *stream)
{
	loop_source_remove(STEAL(stream->source));
	fd_close(&stream->fd);
}

static void link_proc(struct proc *p)
{
	struct proc_table *table = p->table_ref;

	p->next = table->first;
	if (p->next)
		p->next->prev = p;
	table->first = p;
}

static void destroy(struct proc *p)
{
	for (int i = 0; i < 2; i++)
		stream_close(&p->streams[i]);
	if (p->next)
		p->next->prev = p->prev;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else if (p->table_ref->first == p)
		p->table_ref->first = p->next;
	free(p);
}

/* Freed when nothing can use it any more: the owner has released it, no callback of it is running,
 * and the reaper will not look for the pid again. */
static void release(struct proc *p)
{
	if (p->freed && p->in_use == 0 && p->pid == 0)
		destroy(p);
}

static void stream_read(struct proc_stream *stream, int reads)
{
	struct proc *p = stream->proc_ref;
	char data[READ_SIZE];

	while (reads-- > 0 && stream->source) {
		ssize_t got = read(stream->fd, data, sizeof(data));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0)
			stream_close(stream);
		p->output_fn(p->arg, stream->number, data, got > 0 ? (size_t)got : 0);
	}
}

static void on_readable(void *arg, uint32_t events)
{
	struct proc_stream *stream = arg;
	struct proc *p = stream->proc_ref;

	(void)events;
	p->in_use++;
	stream_read(stream, READS_PER_TURN);
	p->in_use--;
	release(p);
}

static struct proc *find_pid(struct proc_table *table, pid_t pid)
{
	struct proc *p = table->first;

	while (p != NULL && p->pid != pid)
		p = p->next;
	return p;
}

/* The zombie keeps its pid from being reused until the output is read and the owner found. */
static void finish(struct proc *p, int wstatus)
{
	p->pid = 0;
	if (!p->freed) {
		p->in_use++;
		p->exit_fn(p->arg, wstatus);
		p->in_use--;
	}
	release(p);
}

static void drain(struct proc *p)
{
	p->in_use++;
	for (int i = 0; i < 2; i++)
		stream_read(&p->streams[i], READS_AT_EXIT);
	p->in_use--;
}

/* One child that has ended. False when there is none. */
static bool reap_one(struct proc_table *table)
{
	siginfo_t info = {0};
	int wstatus = 0;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return false;
	struct proc *p = find_pid(table, info.si_pid);
	if (p != NULL)
		drain(p);
	if (waitpid(info.si_pid, &wstatus, WNOHANG) != info.si_pid)
		return false;
	if (p != NULL)
		finish(p, wstatus);
	else
		table->orphans++;
	return true;
}

void proc_table_reap(struct proc_table *table)
{
	int reaped = 0;

	/* Called from one of our callbacks: the outer round continues until nothing is left. */
	if (table->reaping)
		return;
	table->reaping = true;
	while (reaped < REAPS_PER_TURN && reap_one(table))
		reaped++;
	table->reaping = false;
	/* Signals coalesce: no other SIGCHLD comes for what is left. */
	if (reaped == REAPS_PER_TURN)
		timer_start(&table->again, 0);
}

static void on_again(void *arg)
{
	proc_table_reap(arg);
}

struct proc_table *proc_table_new(struct loop *loop)
{
	struct proc_table *table = xcalloc(1, sizeof(*table));

	table->loop_ref = loop;
	timer_init(&table->again, loop, on_again, table);
	return table;
}

void proc_table_free(struct proc_table *table)
{
	if (table == NULL)
		return;
	timer_stop(&table->again);
	while (table->first)
		destroy(table->first);
	free(table);
}

/* True when none of ours is left. */
static bool reap_ours(struct proc_table *table)
{
	bool is_done = true;
	for (struct proc *p = table->first; p != NULL; p = p->next) {
		if (p->pid != 0 && waitpid(p->pid, NULL, WNOHANG) == p->pid)
			p->pid = 0;
		is_done = is_done && p->pid == 0;
	}
	return is_done;
}

static bool end_by(struct proc_table *table, int signo, uint32_t within_ms)
{
	for (struct proc *p = table->first; p != NULL; p = p->next) {
		if (p->pid != 0)
			(void)kill(p->pid, signo);
	}
	uint64_t deadline_ms = clock_now_ms() + within_ms;
	bool is_done = reap_ours(table);
	while (!is_done && clock_now_ms() < deadline_ms) {
		(void)poll(NULL, 0, END_POLL_MS);
		is_done = reap_ours(table);
	}
	return is_done;
}

void proc_table_end(struct proc_table *table, uint32_t term_ms, uint32_t kill_ms)
{
	if (!end_by(table, SIGTERM, term_ms))
		(void)end_by(table, SIGKILL, kill_ms);
}

uint64_t proc_table_orphans(const struct proc_table *table)
{
	return table->orphans;
}

static struct proc *new_proc(struct proc_table *table, const int read_fds[2])
{
	struct proc *p = xcalloc(1, sizeof(*p));

	p->table_ref = table;
	for (int i = 0; i < 2; i++)
		p->streams[i] =
			(struct proc_stream){.proc_ref = p, .fd = read_fds[i], .number = i + 1};
	link_proc(p);
	return p;
}

static int watch_streams(struct proc *p, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		struct proc_stream *stream = &p->streams[i];

		if (stream->fd < 0)
			continue;
		stream->source = loop_add(
			p->table_ref->loop_ref, stream->fd, EPOLLIN, on_readable, stream, e);
		if (!stream->source)
			return e->code;
	}
	return 0;
}

struct proc *proc_spawn(struct proc_table *table, const struct proc_spec *spec,
	proc_output_fn output_fn, proc_exit_fn exit_fn, void *arg, struct err *e)
{
	struct proc_launch launch;
	AUTO(fd_close) int out_fd = -1;
	AUTO(fd_close) int err_fd = -1;
	int write_fds[2];

	if (proc_launch_pipes(&launch, spec, write_fds, e) < 0)
		return NULL;
	out_fd = write_fds[0];
	err_fd = write_fds[1];
	struct proc *p = new_proc(table, launch.read_fds);
	p->output_fn = output_fn;
	p->exit_fn = exit_fn;
	p->arg = arg;
	/* Done before the fork, so that nothing can fail once the program runs. */
	int code = watch_streams(p, e);
	if (code == 0)
		code = proc_launch_exec(&launch, spec, write_fds, e);
	/* A child that could not exec stays in the table until it is reaped, so as not to be
	 * counted as an orphan. */
	p->pid = launch.pid;
	if (code < 0) {
		proc_free(p);
		return NULL;
	}
	return p;
}

pid_t proc_pid(const struct proc *p)
{
	return p->pid;
}

bool proc_is_running(const struct proc *p)
{
	return p->pid != 0;
}

int proc_signal(struct proc *p, int signo, struct err *e)
{
	if (p->pid == 0)
		return err_set_errno(e, -ESRCH, "signal %d to a child that has ended", signo);
	if (kill(p->pid, signo) < 0)
		return err_set_errno(e, -errno, "signal %d to pid %d", signo, (int)p->pid);
	return 0;
}

void proc_free(struct proc *p)
{
	if (p == NULL || p->freed)
		return;
	p->freed = true;
	for (int i = 0; i < 2; i++)
		stream_close(&p->streams[i]);
	release(p);
}
