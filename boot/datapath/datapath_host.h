/*
 * Facts about host and container that the data path needs, determined once: a writable firewall,
 * IPv6, ports that are served here, forwarding.
 */
#ifndef BOOT_DATAPATH_DATAPATH_HOST_H
#define BOOT_DATAPATH_DATAPATH_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct loop;
struct nft_backend;
struct nft_wanted;
struct settings;

struct datapath_host {
	bool has_ipv6;   /* in this network namespace, with everything that our rules need */
	bool has_numgen; /* without it a balanced target is its first backend */
};

/* Fills a zeroed struct and returns the firewall, owned by the caller; NULL with the error set when
 * it is not possible: the error says what is missing and what to do. */
struct nft_backend *datapath_host_open(const struct settings *s, struct loop *loop,
	struct datapath_host *out, struct err *e) MUST_CHECK;

/* NAMESPACE/NAME: the owner of the tables, also after a restart of the container; host/NAME outside
 * Kubernetes. /NAME when the namespace cannot be read: then no API client can be made either, and
 * the start is about to end. Works for rejected settings too. Caller frees. */
char *datapath_host_owner(const struct settings *s);

/* The addresses of the Pod, as far as the settings contain them. */
void datapath_host_set_pod(const struct settings *s, struct nft_wanted *w);

/* Ports that a catch-all target must leave alone: our listeners, the daemon's debug server, and its
 * UDP port when the daemon's arguments or environment name it. */
int datapath_host_local_ports(const struct settings *s, char *const *daemon_env,
	struct nft_wanted *w, struct err *e) MUST_CHECK;

#endif
