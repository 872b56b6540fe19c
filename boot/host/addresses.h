/*
 * Addresses of this host or Pod that tailscaled treats as addresses of the tailnet: those inside
 * 100.64.0.0/10, as in clusters with such a Pod range. Its rules silently drop packets from there
 * that do not come through the tunnel.
 *
 *	if (addresses_find(settings, config_mode, sentence) != ADDRESSES_CLEAR)
 *		condition_raise(…, "%s", sentence);
 */
#ifndef BOOT_HOST_ADDRESSES_H
#define BOOT_HOST_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

struct settings;

/* Bytes of an interface name, with NUL (IFNAMSIZ). */
#define ADDRESSES_NAME_MAX 16
#define ADDRESSES_SENTENCE_MAX 256

struct host_address {
	char interface[ADDRESSES_NAME_MAX];
	struct ipaddr addr;
	bool is_tunnel; /* or loopback: no packets from the network arrive there */
};

/* The first that tailscaled would treat as one of the tailnet, NULL when there is none. Pure. */
const struct host_address *addresses_in_tailnet(const struct host_address *all, size_t count);

enum addresses_verdict {
	ADDRESSES_CLEAR,   /* none, or they could not be read */
	ADDRESSES_SHARED,  /* there is one, but tailscaled has no rules in force */
	ADDRESSES_DROPPED, /* packets from its neighbours are dropped */
};

/* Cause and remedy for the mode of tailscaled's packet filter, unless clear. In one-step mode that
 * is config_mode, NetfilterMode of the configuration file ("" without one); else TS_EXTRA_ARGS has
 * it. Pure. */
enum addresses_verdict addresses_decide(const struct settings *s, const char *config_mode,
	const struct host_address *all, size_t count, char sentence[static ADDRESSES_SENTENCE_MAX]);
/* The same for the present addresses. */
enum addresses_verdict addresses_find(const struct settings *s, const char *config_mode,
	char sentence[static ADDRESSES_SENTENCE_MAX]);

#endif
