/*
 * The intervals of the supervisor in one place: production values, and shortened ones for tests.
 */
#ifndef BOOT_SETTINGS_TIMES_H
#define BOOT_SETTINGS_TIMES_H

#include <stdbool.h>
#include <stdint.h>

struct times {
	uint32_t retry_base_ms; /* calls and writes that failed */
	uint32_t retry_max_ms;
	uint32_t boot_retry_max_ms; /* the same before the start is complete, when users wait */
	uint32_t store_away_max_ms; /* a write while its place is not reached */
	uint32_t store_ask_base_ms; /* whether the place of the daemon's state is back */
	uint32_t store_ask_max_ms;
	uint32_t bus_retry_base_ms;
	uint32_t bus_retry_max_ms;
	uint32_t bus_stall_ms; /* a message begun, and no byte since */
	uint32_t daemon_backoff_base_ms;
	uint32_t daemon_backoff_max_ms;
	uint32_t heartbeat_ms;          /* between two checks whether the daemon answers */
	uint32_t heartbeat_patience_ms; /* for one of them */
	uint32_t contacts_ms;           /* between two looks which peers are active */
	uint32_t command_verdict_ms;  /* a failed command: its cause may be the end of the daemon */
	uint32_t login_retry_base_ms; /* `tailscale up` tried again after the first start */
	uint32_t login_retry_max_ms;
	uint32_t command_limit_ms; /* `tailscale up` and `set` after the first start */
	uint32_t command_end_ms;   /* `tailscale up` when the node is Running */
	uint32_t refusal_grace_ms; /* a login warning without a reason flickers: wait this long */
	uint32_t login_answer_ms;  /* for an answer to a login that the daemon tries by itself */
	/* A refusal may disappear only because the login is being tried again. */
	uint32_t let_in_ms;
	uint32_t reissue_limit_ms;   /* how long a new auth key is waited for */
	uint32_t withdraw_grace_ms;  /* withdrawn Services: let the tailnet notice */
	uint32_t stop_flush_ms;      /* at the stop, for values that are not published yet */
	uint32_t serve_watch_ms;     /* between two checks of what the daemon serves */
	uint32_t advertise_pause_ms; /* the same for its Services, when notifications come */
	uint32_t debounce_ms;        /* files of one volume update come together */
	/* The same for documents of services: a half-written one is not accepted anyway, and the
	 * traffic waits. */
	uint32_t services_debounce_ms;
	uint32_t netmap_wait_ms;       /* for peers that were just asked for */
	uint32_t answer_limit_ms;      /* for a target to answer, before traffic is let in anyway */
	uint32_t answer_again_base_ms; /* until one that did not is asked again */
	uint32_t answer_again_max_ms;
	uint32_t forwarding_look_ms; /* between two checks whether the kernel still forwards */
	uint32_t dest_retry_base_ms; /* a DNS name of the cluster that does not resolve */
	uint32_t dest_retry_max_ms;
	uint32_t dest_refresh_max_ms;
	uint32_t drain_interval_ms; /* between two checks whether the cluster still sends to us */
	uint32_t drain_grace_ms;    /* once it does not */
	uint32_t drain_ping_timeout_ms;
};

const struct times *times_get(bool fast);

#endif
