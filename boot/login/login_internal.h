/*
 * Shared by the files of the module login.
 *
 *	login.c          life, states, a new key
 *	login_command.c  tailscale up and set, their limits, the key for them
 *	login_decide.c   the next try
 *	login_reports.c  reports of the bus → reasons
 */
#ifndef BOOT_LOGIN_LOGIN_INTERNAL_H
#define BOOT_LOGIN_LOGIN_INTERNAL_H

#include "boot/login/login.h"

#define LOGIN_STOPPED "tailscale was switched off (tailscale down)"

struct condition_kind;

void login_init_command(struct login *l);
/* Cancels everything under way for a command, silently. */
void login_cancel_command(struct login *l);
void login_set_failure_take(struct login *l, char *text_take);

void login_post(struct login *l, enum login_event event);
void login_let_in(void *login);
void login_init_registration(struct login *l);
/* The node was switched off by hand. */
void login_decide_stopped(struct login *l);
/* Raises the reason of a try to log in, in place of the one before; secrets in the text are
 * masked. */
void login_raise_reason(struct login *l, const struct condition_kind *kind, const char *text);

#endif
