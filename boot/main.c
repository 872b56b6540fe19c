/*
 * tailboot: supervisor of a tailnet node, PID 1 of its container.
 */
#include <stdio.h>
#include <sys/prctl.h>

#include "boot/boot_events.h"
#include "boot/cli.h"
#include "boot/datapath/leftover.h"
#include "boot/fatal.h"
#include "boot/host/caps.h"
#include "boot/host/host_events.h"
#include "boot/host/privileges.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "boot/supervisor.h"
#include "boot/host/sysctl.h"
#include "boot/host/tun.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/signals.h"

/* The rules of a killed run are ours however early this one ends. */
static int fail(const struct settings *settings, enum fatal_cause cause, const struct err *e)
{
	leftover_remove(settings);
	log_event(EV_FATAL, e->msg);
	fatal_write_termination(settings->termination_log, e->msg);
	return fatal_row(cause)->exit_code;
}

static int check_privileges(
	const struct settings *settings, struct privileges *privileges, struct err *e)
{
	privileges_read(settings, privileges);
	return privileges_check(settings, privileges, e);
}

/* Steps to do once, before anything runs; nothing here waits. */
static int prepare_host(const struct settings *settings, struct err *e)
{
	struct privileges privileges;
	if (check_privileges(settings, &privileges, e) < 0 || tun_ensure(settings, e) < 0)
		return e->code;
	/* A device that was made may still be one that must not be opened. */
	if (check_privileges(settings, &privileges, e) < 0 || sysctl_prepare(settings, e) < 0)
		return e->code;
	const char *warning;
	for (size_t i = 0; (warning = privileges_warning(settings, &privileges, i)) != NULL; i++)
		log_event(EV_PRIVILEGE_MISSING, warning);
	return caps_drop(e);
}

static int run(void)
{
	struct err e;
	AUTO(settings_freep) struct settings *settings = settings_parse(NULL);
	if (settings_complete(settings, &e) < 0 || prepare_host(settings, &e) < 0)
		return fail(settings, FATAL_SETTINGS, &e);
	AUTO(supervisor_freep) struct supervisor *supervisor = supervisor_new(settings, &e);
	if (supervisor == NULL)
		return fail(settings, FATAL_BOOT_STEP, &e);
	/* Start-up may fail; after the first "Startup complete" only the rows of boot/fatal.c that
	 * say so end the process. */
	return supervisor_run(supervisor);
}

int main(int argc, char **argv)
{
	signals_block();
	log_init("boot: ");
	/* Keys pass through this memory: no core file, and /proc only for root. */
	prctl(PR_SET_DUMPABLE, 0);
	enum cli_command command = cli_parse(argc, argv);
	if (command == CLI_RUN)
		return run();
	return cli_execute(command, NULL, stdout, stderr);
}
