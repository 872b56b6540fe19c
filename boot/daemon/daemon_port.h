/*
 * The daemon's UDP port, the same for every start of the daemon in one life of the supervisor.
 *
 * By default the daemon uses another port at each start. Its peers keep sending to the old one
 * until they distrust it, so the answer to the first handshake after a restart in place is lost,
 * and the handshake tried again 5 s later. With a fixed port, traffic is back as soon as the daemon
 * is.
 */
#ifndef BOOT_DAEMON_DAEMON_PORT_H
#define BOOT_DAEMON_DAEMON_PORT_H

#include <stdbool.h>

#include "lib/base/str.h"

/* A UDP port that is free now on all addresses of both families; 0 when none was found. */
unsigned daemon_port_pick(void);

/* Adds env_ref with PORT=port to out. Returns false and adds nothing when the environment names a
 * port already or port is 0: the user decides. out holds copies of secrets in the environment: end
 * it with strv_wipe(). */
bool daemon_port_env(unsigned port, char *const *env_ref, struct strv *out);

#endif
