/*
 * Why a login failed, from the texts that the daemon, the control server and the command line
 * tool show. Pure: a text goes in, a condition code comes out. Patterns are tried in order, the
 * first match wins, because the text of one cause may carry harmless words of another.
 */
#ifndef BOOT_LOGIN_LOGIN_REASON_H
#define BOOT_LOGIN_LOGIN_REASON_H

#include <stdbool.h>

#include "lib/base/condition.h"

enum login_reason_source {
	LOGIN_REASON_CONTROL, /* ErrMessage of the bus: control answered and refused */
	LOGIN_REASON_HEALTH,  /* Args.error of the health warning login-state: any failed try */
	LOGIN_REASON_COMMAND, /* standard error of the command line tool */
};

/* True with *code set; false when the text says nothing (empty, or a try that a newer one
 * replaced). */
bool login_reason_classify(
	const char *text, enum login_reason_source source, const struct condition_kind **code);

/* A new auth key may help; waiting does not. */
bool login_reason_is_key_refused(const struct condition_kind *code);

/* The control server was not reached or rejects requests for now: it passes without a new key. */
bool login_reason_is_away(const struct condition_kind *code);

/* Describes the newest try to log in, and is replaced by the reason of the next one. Other codes
 * come from separate facts and stay until these change. */
bool login_reason_is_of_try(const struct condition_kind *code);

/* The text without the time of day that some contain, so that equal causes have equal texts. Caller
 * frees. */
char *login_reason_text(const char *text);

/* The last reason that the tool wrote to standard error (caller frees), with its code; NULL when
 * there is none. */
char *login_reason_of_command(const char *said, const struct condition_kind **code);

/* The error of a tool that refused its arguments: its last non-blank line, or the one before its
 * usage text; NULL without any. Caller frees. */
char *login_reason_last_line(const char *said);

#endif
