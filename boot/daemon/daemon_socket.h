/*
 * Whether the daemon's socket is ready: it is when it accepts a connection.
 */
#ifndef BOOT_DAEMON_DAEMON_SOCKET_H
#define BOOT_DAEMON_DAEMON_SOCKET_H

#include <stdbool.h>

bool daemon_socket_accepts(const char *path);

#endif
