/*
 * Health warnings of the daemon that are conditions of their own, for as long as they stand. The
 * warning "login-state" is not one of them: it is a reason of a failed login.
 */
#ifndef BOOT_LOGIN_WARNINGS_H
#define BOOT_LOGIN_WARNINGS_H

#include <stdbool.h>

struct condition_kind;
struct condition_set;
struct ipn_notify;

/* Zeroed: none stands. */
struct warnings {
	unsigned standing; /* by bit of the table */
};

/* For a message that has the daemon's warnings: raises and clears their conditions. */
void warnings_update(
	struct warnings *w, struct condition_set *conditions, const struct ipn_notify *n);
/* The condition is raised by a warning that stands. */
bool warnings_stands(const struct warnings *w, const struct condition_kind *kind);

#endif
