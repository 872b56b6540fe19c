/*
 * The conditions of the program itself, and the table of all that this program can raise: its own
 * and those of the folders below.
 */
#ifndef BOOT_BOOT_CONDITIONS_H
#define BOOT_BOOT_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_not_running;

#define CONDITION_NOT_RUNNING (&condition_not_running)

/* Adds all that the program can raise. */
void boot_conditions_add(struct condition_set *set);

#endif
