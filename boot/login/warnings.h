/*
 * Health warnings of the daemon that map to separate conditions while they are raised. The warning
 * "login-state" is not one of them: it is a reason of a failed login.
 */
#ifndef BOOT_LOGIN_WARNINGS_H
#define BOOT_LOGIN_WARNINGS_H

#include <stdbool.h>

struct condition_kind;
struct condition_set;
struct ipn_notify;

/* Zeroed: none is raised. */
struct warnings {
	unsigned standing; /* by bit of the table */
};

/* For a message that has the daemon's warnings: raises and clears their conditions. */
void warnings_update(
	struct warnings *w, struct condition_set *conditions, const struct ipn_notify *n);
/* Whether the condition is raised by a present warning. */
bool warnings_stands(const struct warnings *w, const struct condition_kind *kind);

#endif
