/*
 * A firewall in a network namespace of its own, driven turn by turn: for the tests of lib/nft
 * against the kernel.
 *
 *	struct firewall f;
 *	firewall_open(&f);
 *	firewall_wanted_init(&f, &w);
 *	firewall_portmap(&w, "web", IPPROTO_TCP, 10000, "100.64.1.1", 80);
 *	firewall_apply(&f, &w);
 */
#ifndef TESTS_KERNEL_FIREWALL_H
#define TESTS_KERNEL_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/io/loop.h"
#include "lib/nft/nft.h"

#define FIREWALL_OWNER "tailscale/egress-0"
#define FIREWALL_OWN4 "100.64.0.1"
#define FIREWALL_OWN6 "fd7a:115c:a1e0::1"

struct firewall {
	int ns;
	struct loop *loop;
	struct nft *nft;
	/* The result of the run that ended last; texts are copies. */
	bool is_done;
	struct nft_result result;
	struct err e;
	char conflicts[512]; /* "loser winner what;" of each */
	unsigned int repairs;
	char repaired[256];
};

/* Setup and teardown of a test whose state is a firewall in a fresh namespace. */
int firewall_setup(void **state);
int firewall_teardown(void **state);
void firewall_expect_text(const char *text, const char *part);
/* In a fresh namespace. */
void firewall_open(struct firewall *f);
/* Starts again with nothing known, as a new process in the same namespace. */
void firewall_restart(struct firewall *f);
void firewall_close(struct firewall *f);
void firewall_watch(struct firewall *f);

/* A desired state with own addresses of both families and a pod address. */
void firewall_wanted_init(struct nft_wanted *w);
void firewall_portmap(struct nft_wanted *w, const char *service, uint8_t proto, uint16_t port,
	const char *target, uint16_t target_port);
void firewall_pair(struct nft_wanted *w, const char *service, const char *from, const char *to);
void firewall_backend(struct nft_wanted *w, const char *from, const char *backend);

/* Applies and waits; returns the code. The desired state is moved away. */
int firewall_apply(struct firewall *f, struct nft_wanted *w);
int firewall_remove(struct firewall *f);
/* The generation of the ruleset in this namespace. */
uint32_t firewall_generation(void);

#endif
