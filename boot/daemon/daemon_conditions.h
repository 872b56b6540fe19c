/* The conditions of boot/daemon. */
#ifndef BOOT_DAEMON_DAEMON_CONDITIONS_H
#define BOOT_DAEMON_DAEMON_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_daemon_down;
extern const struct condition_kind condition_daemon_mute;
extern const struct condition_kind condition_daemon_crash_loop;
extern const struct condition_kind condition_capability_differs;
extern const struct condition_kind condition_ca_file_invalid;

#define CONDITION_DAEMON_DOWN (&condition_daemon_down)
#define CONDITION_DAEMON_MUTE (&condition_daemon_mute)
#define CONDITION_DAEMON_CRASH_LOOP (&condition_daemon_crash_loop)
#define CONDITION_CAPABILITY_DIFFERS (&condition_capability_differs)
#define CONDITION_CA_FILE_INVALID (&condition_ca_file_invalid)

/* All of them, for the table of a program. */
#define DAEMON_CONDITIONS                                                          \
	CONDITION_DAEMON_DOWN, CONDITION_DAEMON_MUTE, CONDITION_DAEMON_CRASH_LOOP, \
		CONDITION_CAPABILITY_DIFFERS, CONDITION_CA_FILE_INVALID

#endif
