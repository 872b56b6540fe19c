/*
 * The desired state of the firewall, in the terms of its callers: own addresses, port maps, address
 * pairs, a balanced target, a catch-all target. Plain data; nothing here knows netlink.
 *
 * Own addresses are set first: a target of a family without one has no source to be reached from
 * and is refused. Texts are copied, the struct owns them.
 *
 *	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
 *	nft_wanted_init(&w, "tailscale0", "tailscale/egress-0");
 *	nft_wanted_set_own(&w, &own);
 *	if (nft_wanted_add_portmap(&w, &(struct nft_portmap){...}, e) < 0)
 *		this service is rejected, every other one is kept
 */
#ifndef LIB_NFT_NFT_MODEL_H
#define LIB_NFT_NFT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

/* Bytes of an interface name, with NUL (IFNAMSIZ). */
#define NFT_MODEL_TUN_MAX 16
/* Longest name of a service kept in a comment; nft(8) accepts 128 bytes with the NUL. */
#define NFT_MODEL_COMMENT_MAX 127
/* Longest owner: it has to fit into a comment together with a few words. */
#define NFT_MODEL_OWNER_MAX 100

enum nft_model_family {
	NFT_MODEL_V4,
	NFT_MODEL_V6,
	NFT_MODEL_FAMILIES,
};

/* Cluster to tailnet: packets for match_port that do not come from the tunnel go to the target. */
struct nft_portmap {
	char *service;
	uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t match_port;
	struct ipaddr target;
	uint16_t target_port;
};

/* Packets for one address go to the other, of all protocols, ports kept. */
struct nft_pair {
	char *service;
	struct ipaddr from;
	struct ipaddr to;
};

struct nft_local_port {
	uint8_t proto;
	uint16_t port;
};

struct nft_addresses {
	struct ipaddr *items;
	size_t len;
	size_t cap;
};

struct nft_wanted_family {
	bool is_enabled;
	struct ipaddr own;           /* of the node in the tailnet; family IPADDR_NONE = none */
	struct ipaddr pod;           /* of the pod; only conntrack uses it */
	struct ipaddr balanced_from; /* packets for it are spread over the backends */
	struct nft_addresses backends;
	struct ipaddr catch_all; /* target of everything that does not come from the tunnel */
};

struct nft_wanted {
	char tun[NFT_MODEL_TUN_MAX];
	char *owner; /* NAMESPACE/POD, as it stands in the comment of a table */
	struct nft_wanted_family families[NFT_MODEL_FAMILIES];
	struct nft_portmap *portmaps;
	size_t portmap_count;
	size_t portmap_cap;
	struct nft_pair *pairs;
	size_t pair_count;
	size_t pair_cap;
	struct nft_local_port *local_ports; /* spared by catch_all */
	size_t local_port_count;
	size_t local_port_cap;
	struct nft_addresses live; /* targets that still exist: flows to them are not cut */
	bool is_unbalanced;        /* see nft_wanted_unbalance */
};

/* Both families enabled. The tun's name is cut to the length of an interface name. The owner is
 * stored in a form that a comment can hold: bytes that no name contains become '_', and a long
 * owner is cut and ends with a hash of the whole, so that two long owners still differ. */
void nft_wanted_init(struct nft_wanted *w, const char *tun, const char *owner);
void nft_wanted_fini(struct nft_wanted *w);
/* A deep copy, for callers that hand w on and also keep it. */
void nft_wanted_copy(struct nft_wanted *to, const struct nft_wanted *from);

/* For a family without kernel support: nothing of it is read or written. */
void nft_wanted_disable(struct nft_wanted *w, enum nft_model_family family);
/* For a kernel that cannot count (no numgen, nft_probe.h): the first backend of an address becomes
 * its only target, in both families. The remaining backends only keep their flows. */
void nft_wanted_unbalance(struct nft_wanted *w);
/* An address without a family changes nothing. */
void nft_wanted_set_own(struct nft_wanted *w, const struct ipaddr *own);
void nft_wanted_set_pod(struct nft_wanted *w, const struct ipaddr *pod);

/* All return 0, -EINVAL for an impossible value, -EAFNOSUPPORT for a disabled family,
 * -EADDRNOTAVAIL for an egress target without an own address of its family. The service of the
 * argument is copied. */
int nft_wanted_add_portmap(
	struct nft_wanted *w, const struct nft_portmap *map, struct err *e) MUST_CHECK;
int nft_wanted_add_pair(
	struct nft_wanted *w, const struct nft_pair *pair, struct err *e) MUST_CHECK;
int nft_wanted_add_backend(struct nft_wanted *w, const struct ipaddr *from,
	const struct ipaddr *backend, struct err *e) MUST_CHECK;
int nft_wanted_set_catch_all(
	struct nft_wanted *w, const struct ipaddr *target, struct err *e) MUST_CHECK;
int nft_wanted_add_local_port(
	struct nft_wanted *w, uint8_t proto, uint16_t port, struct err *e) MUST_CHECK;

/* Adds an address that is no longer a target but still exists in the tailnet. */
void nft_wanted_add_live(struct nft_wanted *w, const struct ipaddr *addr);

/* The family of an address; it must have one. */
enum nft_model_family nft_model_family_of(const struct ipaddr *addr);
bool nft_addresses_contain(const struct nft_addresses *list, const struct ipaddr *addr);
void nft_addresses_add(struct nft_addresses *list, const struct ipaddr *addr);
void nft_addresses_fini(struct nft_addresses *list);

#endif
