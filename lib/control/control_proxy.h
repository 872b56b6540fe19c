/*
 * Which hosts a proxy does not serve: NO_PROXY as Go programs read it. Pure.
 *
 * Entries are separated by commas: "example.com" is that host and all below it, ".example.com" only
 * those below, an address is itself, a prefix all addresses in it, "*" everything. One with a port
 * ("example.com:8443") counts for that port alone. Loopback addresses and "localhost" never go to a
 * proxy.
 */
#ifndef LIB_CONTROL_CONTROL_PROXY_H
#define LIB_CONTROL_CONTROL_PROXY_H

#include <stdbool.h>
#include <stdint.h>

bool control_proxy_is_for(const char *no_proxy, const char *host, uint16_t port);

#endif
