#include "boot/daemon/launch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "boot/config/config_source.h"
#include "boot/daemon/ca_bundle.h"
#include "boot/daemon/daemon.h"
#include "boot/daemon/daemon_events.h"
#include "boot/daemon/daemon_port.h"
#include "boot/settings/args.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"

#define DEFAULT_SOCKET_DIR "/var/run/tailscale"
#define DEFAULT_SOCKET DEFAULT_SOCKET_DIR "/tailscaled.sock"

/* Leaves env empty when ours needs no change. */
static void make_env(struct launch *l, const struct settings *settings)
{
	extern char **environ;
	AUTO(strv_wipe) struct strv with_port = {0};
	bool has_port = daemon_port_env(daemon_port_pick(), environ, &with_port);
	char *const *env = has_port ? with_port.items : environ;
	if (!args_tailscaled_env(settings, env, &l->env) && has_port)
		strv_copy(&l->env, &with_port);
}

/* If the configuration is not available, the daemon reports that itself. */
static const char *config_path(struct launch *l)
{
	struct err e;
	if (l->config_ref == NULL)
		return "";
	const char *path = config_source_start(l->config_ref, &e);
	if (path != NULL)
		return path;
	log_event(EV_DAEMON_CONFIG_FAILED, e.msg);
	return l->settings_ref->config_path;
}

/* Called before each start. */
static void make_args(void *arg, struct strv *out)
{
	struct launch *l = arg;
	ca_bundle_refresh(l->ca_ref);
	args_tailscaled(l->settings_ref, config_path(l), out);
}

struct daemon *launch_daemon(struct launch *l, const struct launch_partners *partners,
	const struct daemon_events *events)
{
	const struct settings *settings = partners->settings;
	l->settings_ref = settings;
	l->config_ref = partners->config;
	l->ca_ref = partners->ca;
	make_env(l, settings);
	struct daemon_options options = {
		.socket = settings->socket,
		.root = settings->test_root,
		.mask = partners->mask,
		.make_args = make_args,
		.make_args_arg = l,
		.envp = l->env.items,
		.restart_limit = settings->restart_limit,
		.restart_window_ms = settings->restart_window_ms,
		.start_timeout_ms = settings->daemon_start_timeout_ms,
		.backoff_base_ms = partners->times->daemon_backoff_base_ms,
		.backoff_max_ms = partners->times->daemon_backoff_max_ms,
	};
	return daemon_new(partners->loop, partners->procs, partners->conditions, &options, events);
}

char *const *launch_env(const struct launch *l)
{
	extern char **environ;
	return l->env.items != NULL ? l->env.items : environ;
}

void launch_fini(struct launch *l)
{
	strv_wipe(&l->env);
}

void launch_link_socket(const struct settings *settings)
{
	const char *socket_path = settings->socket;
	struct err e;
	char target[4096];
	if (strcmp(settings->test_root, "/") != 0 || strcmp(socket_path, DEFAULT_SOCKET) == 0)
		return;
	if (atomicfile_make_dirs(DEFAULT_SOCKET_DIR, 0700, &e) < 0) {
		log_event(EV_NODE_SYMLINK_FAILED, e.msg);
		return;
	}
	/* Left over from an earlier run in the same file system. */
	ssize_t len = readlink(DEFAULT_SOCKET, target, sizeof(target) - 1);
	if (len > 0 && (size_t)len == strlen(socket_path) &&
		memcmp(target, socket_path, (size_t)len) == 0)
		return;
	if (symlink(socket_path, DEFAULT_SOCKET) < 0)
		log_event(EV_NODE_SYMLINK_FAILED, strerror(errno));
}
