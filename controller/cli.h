/*
 * The command line: a command, then flags. Without a command the program is the controller.
 */
#ifndef CONTROLLER_CLI_H
#define CONTROLLER_CLI_H

#include <stdio.h>

enum cli_command {
	CLI_RUN,
	CLI_CLEANUP,          /* "cleanup" */
	CLI_CHECK,            /* "check" */
	CLI_HELP,             /* "--help", "-h", "help" */
	CLI_VERSION,          /* "--version", "version" */
	CLI_DOCS_SETTINGS,    /* "docs settings" */
	CLI_DOCS_PERMISSIONS, /* "docs permissions" */
	CLI_UNKNOWN,
};

enum cli_exit {
	CLI_EXIT_OK = 0,
	CLI_EXIT_FAILED = 1,
	CLI_EXIT_USAGE = 2,
	CLI_EXIT_LEASE_LOST = 3,
};

/* *flags: the first argument that is not part of the command. */
enum cli_command cli_parse(char *const argv[], char *const **flags);
/* Carries out a command that only writes. CLI_EXIT_FAILED when out cannot be written. */
int cli_execute(enum cli_command command, FILE *out, FILE *err_out);

#endif
