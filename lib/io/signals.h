/*
 * Signals as events. signals_block() is the first thing main does: it blocks every signal except
 * those by which the kernel reports a fault of our own, remembers the original mask for children,
 * and ignores SIGPIPE. signals_open() delivers the blocked ones through the loop.
 */
#ifndef LIB_IO_SIGNALS_H
#define LIB_IO_SIGNALS_H

#include <signal.h>

#include "lib/base/err.h"

struct loop;
struct signals;

typedef void (*signals_fn)(void *arg, int signo);

void signals_block(void);
/* The mask this process was started with: what children get back. */
const sigset_t *signals_original_mask(void);

/* Every blocked signal that arrives is reported once per read. Owned by the caller. */
struct signals *signals_open(struct loop *loop, signals_fn fn, void *arg, struct err *e) MUST_CHECK;
void signals_close(struct signals *s);

#endif
