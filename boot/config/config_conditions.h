/* The conditions of boot/config. */
#ifndef BOOT_CONFIG_CONFIG_CONDITIONS_H
#define BOOT_CONFIG_CONFIG_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_config_invalid;
extern const struct condition_kind condition_config_reload_failed;

#define CONDITION_CONFIG_INVALID (&condition_config_invalid)
#define CONDITION_CONFIG_RELOAD_FAILED (&condition_config_reload_failed)

/* All of them, for the table of a program. */
#define CONFIG_CONDITIONS CONDITION_CONFIG_INVALID, CONDITION_CONFIG_RELOAD_FAILED

#endif
