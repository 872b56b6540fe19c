/*
 * `tailboot check`: validates the environment and the files it names, as far as that is possible
 * without starting or changing anything; in a pod the API server is asked for the rights on the
 * Secret, 5 s at most. For init containers, CI and people.
 */
#ifndef BOOT_CHECK_H
#define BOOT_CHECK_H

#include <stdbool.h>
#include <stdio.h>

/* Writes one line "ok: …" to out for each passed check, one line "error: …" to err_out for each
 * fault. env_ref NULL = ours. True without a fault. Secrets are not shown. */
bool check_run(char *const *env_ref, FILE *out, FILE *err_out);

#endif
