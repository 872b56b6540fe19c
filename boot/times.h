/*
 * The intervals of the supervisor in one place: production values, and shortened ones for tests.
 */
#ifndef BOOT_TIMES_H
#define BOOT_TIMES_H

#include <stdbool.h>
#include <stdint.h>

struct times {
	uint32_t retry_base_ms; /* calls and writes that failed */
	uint32_t retry_max_ms;
	uint32_t bus_retry_base_ms;
	uint32_t bus_retry_max_ms;
	uint32_t bus_stall_ms; /* a message begun, and no byte since */
	uint32_t daemon_backoff_base_ms;
	uint32_t daemon_backoff_max_ms;
	uint32_t login_retry_base_ms; /* `tailscale up` tried again after the first start */
	uint32_t login_retry_max_ms;
	uint32_t refusal_grace_ms;   /* a login warning without a reason flickers: wait this long */
	uint32_t reissue_limit_ms;   /* how long a new auth key is waited for */
	uint32_t withdraw_settle_ms; /* withdrawn Services: let the tailnet notice */
	uint32_t stop_flush_ms;      /* at the stop, for what is not published yet */
	uint32_t debounce_ms;        /* files of one volume update come together */
};

const struct times *times_get(bool fast);

#endif
