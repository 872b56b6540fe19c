/*
 * `tailboot-controller check`: settings, the way to the API server, permissions, the kinds of our
 * own; starts nothing and writes nothing but its findings.
 */
#ifndef CONTROLLER_CHECK_H
#define CONTROLLER_CHECK_H

#include <stdio.h>

struct settings;

/* Returns the exit code: CLI_EXIT_FAILED with any fault. */
int check_run(struct settings *settings, FILE *out);

#endif
