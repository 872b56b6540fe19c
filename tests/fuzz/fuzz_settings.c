/*
 * The environment: NUL-separated NAME=value strings. Covers all parsed values, the rejections and
 * the resulting command lines. Variables that name files are left out, so that a run depends on its
 * input.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/settings/args.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "boot/host/sysctl.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_line(void *arg, const char *id, enum log_level level, const char *text)
{
	(void)arg;
	(void)id;
	(void)level;
	(void)text;
}

static void use(const struct settings *s)
{
	struct err e = {0};
	struct sysctl_need need;
	struct strv args = {0}, env = {0};
	char *const own[] = {"A=1", NULL};
	args_tailscaled(s, s->config_path, &args);
	args_tailscale_up(s, NULL, &args);
	args_tailscale_set(s, &args);
	(void)args_tailscaled_env(s, own, &env);
	if (sysctl_forwarding_need(s, &need, &e) < 0 && *e.msg == '\0')
		abort();
	AUTO(mem_free) char *path = settings_path(s, "/x");
	/* No part of a command line may be lost. */
	if (args.len < 8 || strcmp(path + strlen(path) - 2, "/x") != 0)
		abort();
	strv_wipe(&args);
	strv_wipe(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct strv env = {0};
	log_set_sink(ignore_line, NULL);
	for (size_t at = 0; at < size;) {
		size_t len = strnlen((const char *)data + at, size - at);
		AUTO(mem_free) char *variable = xstrndup((const char *)data + at, len);
		if (!str_starts(variable, "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR="))
			strv_push(&env, variable);
		at += len + 1;
	}
	char *none[] = {NULL};
	AUTO(settings_freep) struct settings *s = settings_load(env.len > 0 ? env.items : none, &e);
	if (s != NULL)
		use(s);
	else if (e.code >= 0 || !str_starts(e.msg, "invalid configuration: "))
		abort();
	strv_fini(&env);
	return 0;
}
