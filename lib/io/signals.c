#include "lib/io/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"

/* Signals of one read, and reads of one turn. Further signals keep the descriptor readable, so a
 * sender without pause cannot block the loop. */
#define BATCH_MAX 16
#define READS_MAX 16

struct signals {
	struct loop_source *source;
	signals_fn fn;
	void *arg;
	int fd;
	bool *closed_ref; /* set when the callback closes us */
};

static sigset_t original_mask;

/* A fault of our own must stay a crash: the kernel kills a process that blocks these, and a
 * debugger or abort() needs them as they are. */
static void make_blocked_set(sigset_t *set)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

	sigfillset(set);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigdelset(set, faults[i]);
}

void signals_block(void)
{
	static bool done;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t blocked;

	make_blocked_set(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, done ? NULL : &original_mask);
	done = true;
	/* A peer that hangs up shows as an error of the write, not as a signal. Children get the
	 * default back. */
	sigaction(SIGPIPE, &ignore, NULL);
	/* An ignored signal stays ignored across execve: our parent may have ignored this one, and
	 * then the kernel would discard the status of our children. */
	sigaction(SIGCHLD, &standard, NULL);
}

const sigset_t *signals_original_mask(void)
{
	return &original_mask;
}

static void on_readable(void *arg, uint32_t events)
{
	struct signals *s = arg;
	struct signalfd_siginfo batch[BATCH_MAX];
	bool closed = false;

	(void)events;
	s->closed_ref = &closed;
	for (int reads = 0; reads < READS_MAX; reads++) {
		ssize_t got = read(s->fd, batch, sizeof(batch));
		size_t count = got < 0 ? 0 : (size_t)got / sizeof(batch[0]);

		if (count == 0)
			break;
		for (size_t i = 0; i < count; i++) {
			s->fn(s->arg, (int)batch[i].ssi_signo);
			if (closed)
				return;
		}
	}
	s->closed_ref = NULL;
}

struct signals *signals_open(struct loop *loop, signals_fn fn, void *arg, struct err *e)
{
	sigset_t blocked;

	make_blocked_set(&blocked);
	int fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		err_set_errno(e, -errno, "open signal descriptor");
		return NULL;
	}
	struct signals *s = xcalloc(1, sizeof(*s));
	*s = (struct signals){.fn = fn, .arg = arg, .fd = fd};
	s->source = loop_add(loop, fd, EPOLLIN, on_readable, s, e);
	if (!s->source) {
		fd_close(&s->fd);
		free(s);
		return NULL;
	}
	return s;
}

void signals_close(struct signals *s)
{
	if (s == NULL)
		return;
	if (s->closed_ref != NULL)
		*s->closed_ref = true;
	loop_source_remove(s->source);
	fd_close(&s->fd);
	free(s);
}
