/*
 * Shared by the files of the module login.
 *
 *	login.c          life, commands, states, a new key
 *	login_decide.c   what is tried next
 *	login_reports.c  reports of the bus → reasons
 */
#ifndef BOOT_LOGIN_LOGIN_INTERNAL_H
#define BOOT_LOGIN_LOGIN_INTERNAL_H

#include "boot/login/login.h"

struct condition_kind;

void login_post(struct login *l, enum login_event event);
/* Raises the reason of a try to log in, in place of the one before; secrets in the text are
 * masked. */
void login_raise_reason(struct login *l, const struct condition_kind *kind, const char *text);

#endif
