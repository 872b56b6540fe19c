/*
 * What the data path needs to know of the host and of the container, asked once: a firewall to
 * write to, IPv6, ports that are served here, forwarding.
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
	bool has_ipv6;   /* in this network namespace, with all that our rules need */
	bool has_numgen; /* without it a balanced target is its first backend */
};

/* Fills a zeroed struct and returns the firewall, owned by the caller; NULL with the error set when
 * there can be none: the sentence says what is missing and what to do. */
struct nft_backend *datapath_host_open(const struct settings *s, struct loop *loop,
	struct datapath_host *out, struct err *e) MUST_CHECK;

/* NAMESPACE/NAME: who writes the tables, also after a restart of the container. namespace_name NULL
 * outside Kubernetes. Caller frees. */
char *datapath_host_owner(const struct settings *s, const char *namespace_name);

/* The addresses of the Pod, as far as the settings tell them. */
void datapath_host_set_pod(const struct settings *s, struct nft_wanted *w);

/* Ports that a target for everything must leave alone: our listeners, the daemon's debug server,
 * and its UDP port when the daemon's arguments or environment name it. */
int datapath_host_local_ports(const struct settings *s, char *const *daemon_env,
	struct nft_wanted *w, struct err *e) MUST_CHECK;

#endif
