/*
 * The command line. Without arguments the program is the supervisor; every command ends by itself.
 * The name of the program has no meaning: containerboot and /tailscale/run.sh are links to it.
 */
#ifndef BOOT_CLI_H
#define BOOT_CLI_H

#include <stdio.h>

enum cli_command {
	CLI_RUN,
	CLI_CHECK,         /* "check" */
	CLI_HELP,          /* "--help", "-h", "help" */
	CLI_VERSION,       /* "--version", "version" */
	CLI_DOCS_SETTINGS, /* "docs settings" */
	CLI_UNKNOWN,
};

/* Exit codes of commands; docs/exit-codes.md has them all. */
enum cli_exit {
	CLI_EXIT_OK = 0,
	CLI_EXIT_FAILED = 1,
	CLI_EXIT_USAGE = 2,
};

enum cli_command cli_parse(int argc, char *const argv[]);

/* Carries out any command except CLI_RUN; env_ref is the environment to check, NULL = ours. Results
 * are written to out, faults to err_out. Returns the exit code, CLI_EXIT_FAILED also when out
 * cannot be written. */
int cli_execute(enum cli_command command, char *const *env_ref, FILE *out, FILE *err_out);

#endif
