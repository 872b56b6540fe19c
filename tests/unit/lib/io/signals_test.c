#include "lib/io/signals.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/loop_wait.h"

struct tally {
	unsigned int total;
	unsigned int of[NSIG];
	struct signals *close_ref;
};

static struct loop *loop;
static sigset_t mask_before;

static int setup(void **state)
{
	struct err e = {0};

	(void)state;
	loop = loop_new(&e);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void on_signal(void *arg, int signo)
{
	struct tally *tally = arg;

	tally->total++;
	tally->of[signo]++;
	if (tally->close_ref)
		signals_close(STEAL(tally->close_ref));
}

static void test_blocked_set(void **state)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	static const int ordinary[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGQUIT, SIGUSR1, SIGUSR2,
		SIGTTIN, SIGTTOU, SIGTSTP, SIGALRM, SIGPIPE, SIGWINCH};
	struct sigaction action;
	sigset_t mask;

	(void)state;
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		assert_int_equal(sigismember(&mask, faults[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(ordinary); i++)
		assert_int_equal(sigismember(&mask, ordinary[i]), 1);
	assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_IGN);
	assert_int_equal(sigaction(SIGCHLD, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
}

/* Also after a second call, when everything is blocked already. */
static void test_original_mask(void **state)
{
	(void)state;
	signals_block();
	for (int signo = 1; signo < NSIG; signo++)
		assert_int_equal(sigismember(signals_original_mask(), signo),
			sigismember(&mask_before, signo));
}

static void test_delivery(void **state)
{
	struct tally tally = {0};
	struct err e = {0};
	struct signals *s = signals_open(loop, on_signal, &tally, &e);

	(void)state;
	assert_non_null(s);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGUSR1);
	assert_true(loop_wait_count(loop, &tally.total, 2, LOOP_WAIT_MS));
	assert_int_equal(tally.of[SIGTERM], 1);
	assert_int_equal(tally.of[SIGUSR1], 1);
	kill(getpid(), SIGTERM);
	assert_true(loop_wait_count(loop, &tally.total, 3, LOOP_WAIT_MS));
	assert_int_equal(tally.of[SIGTERM], 2);
	signals_close(s);
}

/* One that came before the descriptor was opened is not lost. */
static void test_pending_before_open(void **state)
{
	struct tally tally = {0};
	struct err e = {0};
	struct signals *s;

	(void)state;
	kill(getpid(), SIGHUP);
	s = signals_open(loop, on_signal, &tally, &e);
	assert_non_null(s);
	assert_true(loop_wait_count(loop, &tally.total, 1, LOOP_WAIT_MS));
	assert_int_equal(tally.of[SIGHUP], 1);
	signals_close(s);
}

static void test_more_than_one_read(void **state)
{
	struct tally tally = {0};
	struct err e = {0};
	struct signals *s = signals_open(loop, on_signal, &tally, &e);

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 600; i++)
		assert_int_equal(
			sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
	assert_true(loop_wait_count(loop, &tally.total, 600, LOOP_WAIT_MS));
	assert_int_equal(tally.of[SIGRTMIN + 1], 600);
	signals_close(s);
}

static void test_close_from_callback(void **state)
{
	struct tally tally = {0};
	struct tally rest = {0};
	struct err e = {0};
	struct signals *s;

	(void)state;
	tally.close_ref = signals_open(loop, on_signal, &tally, &e);
	assert_non_null(tally.close_ref);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	assert_true(loop_wait_count(loop, &tally.total, 1, LOOP_WAIT_MS));
	assert_int_equal(tally.total, 1);
	signals_close(NULL);
	s = signals_open(loop, on_signal, &rest, &e);
	assert_non_null(s);
	signals_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_blocked_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_original_mask, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delivery, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pending_before_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_one_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_from_callback, setup, teardown),
	};

	/* As a careless parent may leave it. */
	signal(SIGCHLD, SIG_IGN);
	sigprocmask(SIG_SETMASK, NULL, &mask_before);
	signals_block();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
