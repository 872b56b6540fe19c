#include "boot/settings/times.h"

static const struct times production = {
	.retry_base_ms = 250,
	.retry_max_ms = 30000,
	.boot_retry_max_ms = 5000,
	.bus_retry_base_ms = 100,
	.bus_retry_max_ms = 5000,
	.bus_stall_ms = 10000,
	.daemon_backoff_base_ms = 1000,
	.daemon_backoff_max_ms = 30000,
	.login_retry_base_ms = 2000,
	.login_retry_max_ms = 60000,
	.refusal_grace_ms = 1200,
	.reissue_limit_ms = 10 * 60 * 1000,
	.withdraw_settle_ms = 20000,
	.stop_flush_ms = 3000,
	.serve_watch_ms = 3000,
	.advertise_pause_ms = 2000,
	.debounce_ms = 50,
	.services_debounce_ms = 10,
	.netmap_wait_ms = 2000,
	.forwarding_look_ms = 10000,
	.dest_retry_base_ms = 1000,
	.dest_retry_max_ms = 10 * 60 * 1000,
	.dest_refresh_max_ms = 10 * 60 * 1000,
	.drain_interval_ms = 1000,
	.drain_settle_ms = 10000,
	.drain_ping_timeout_ms = 2000,
};

static const struct times fast = {
	.retry_base_ms = 50,
	.retry_max_ms = 500,
	.boot_retry_max_ms = 500,
	.bus_retry_base_ms = 20,
	.bus_retry_max_ms = 200,
	.bus_stall_ms = 500,
	.daemon_backoff_base_ms = 50,
	.daemon_backoff_max_ms = 500,
	.login_retry_base_ms = 100,
	.login_retry_max_ms = 500,
	.refusal_grace_ms = 300,
	.reissue_limit_ms = 10000,
	.withdraw_settle_ms = 200,
	.stop_flush_ms = 1000,
	.serve_watch_ms = 200,
	.advertise_pause_ms = 200,
	.debounce_ms = 20,
	.services_debounce_ms = 5,
	.netmap_wait_ms = 500,
	.forwarding_look_ms = 100,
	.dest_retry_base_ms = 50,
	.dest_retry_max_ms = 500,
	.dest_refresh_max_ms = 60 * 1000,
	.drain_interval_ms = 10,
	.drain_settle_ms = 20,
	.drain_ping_timeout_ms = 500,
};

const struct times *times_get(bool is_fast)
{
	return is_fast ? &fast : &production;
}
