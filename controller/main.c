/*
 * tailboot-controller: schedules the proxies of tailnets in a Kubernetes cluster.
 */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "controller/check.h"
#include "controller/cli.h"
#include "controller/controller_events.h"
#include "controller/program.h"
#include "controller/settings/settings.h"
#include "lib/base/log.h"
#include "lib/base/log_json.h"
#include "lib/base/mem.h"
#include "lib/io/signals.h"

static int fail(const struct err *e)
{
	log_event(EV_CONTROLLER_FATAL, e->msg);
	return CLI_EXIT_FAILED;
}

static int run(enum cli_command command, char *const *flags)
{
	struct err e;
	AUTO(settings_fini) struct settings settings = {0};
	if (settings_parse(&settings, flags, environ, &e) < 0) {
		log_event(EV_CONTROLLER_FATAL, e.msg);
		return CLI_EXIT_USAGE;
	}
	if (strcmp(settings.log_format, "json") == 0)
		log_set_form(log_json);
	if (settings.verbosity > 0)
		log_set_level(LOG_LEVEL_DEBUG);
	if (command == CLI_CHECK)
		return check_run(&settings, stdout);
	if (settings_complete(&settings, command != CLI_CLEANUP, &e) < 0)
		return fail(&e);
	enum program_mode mode = command == CLI_CLEANUP ? PROGRAM_CLEANS_UP : PROGRAM_CONTROLS;
	AUTO(program_freep) struct program *program = program_new(&settings, mode, &e);
	return program != NULL ? program_run(program) : fail(&e);
}

int main(int argc, char **argv)
{
	char *const *flags;
	(void)argc;
	signals_block();
	log_init("");
	/* Keys pass through this memory: no core file, and /proc only for root. */
	prctl(PR_SET_DUMPABLE, 0);
	enum cli_command command = cli_parse(argv + 1, &flags);
	if (command == CLI_RUN || command == CLI_CLEANUP || command == CLI_CHECK)
		return run(command, flags);
	return cli_execute(command, stdout, stderr);
}
