#include "boot/supervisor_internal.h"

#include "boot/config/config_events.h"
#include "boot/daemon/capability.h"
#include "boot/daemon/daemon.h"
#include "boot/daemon/daemon_conditions.h"
#include "boot/daemon/daemon_events.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_events.h"
#include "config.h"
#include "lib/base/gotext.h"
#include "lib/base/mem.h"

static void show_config(const struct supervisor *s)
{
	AUTO(mem_free) char *shown = xmalloc(ERR_MSG_MAX);
	gotext_quote(s->config.mounted.path, shown, ERR_MSG_MAX);
	log_event(EV_SETTINGS_CONFIG_FILE, shown, s->capver);
}

/* 0, or the error when no file matches the daemon. */
static int choose_config(struct supervisor *s, struct err *e)
{
	if (!settings_is_one_step(s->settings))
		return 0;
	config_source_set_capver(&s->config, s->capver);
	if (config_source_read(&s->config, e) < 0)
		return e->code;
	show_config(s);
	node_look_at_addresses(s);
	return 0;
}

static void adopt_answer(struct supervisor *s)
{
	struct err e;
	ipnbus_set_capability(s->bus.stream, (unsigned)s->capver);
	if (choose_config(s, &e) < 0)
		node_end(s, FATAL_BOOT_STEP, "%s", e.msg);
	else
		node_store_set_capver(&s->store, s->capver);
}

static void on_answer(void *arg, int version, const struct err *err)
{
	struct supervisor *s = arg;
	s->capability = NULL;
	s->asked_capver = version;
	if (version != 0)
		s->capver = version;
	else
		log_event(EV_CAPABILITY_UNKNOWN, s->capver, err->msg);
	adopt_answer(s);
}

void node_capability_ask(struct supervisor *s)
{
	struct err e;
	s->capver = TAILBOOT_CAPVER;
	if (!s->settings->asks_version) {
		node_store_set_capver(&s->store, s->capver);
		return;
	}
	s->capability = capability_ask(s->loop, s->procs, on_answer, s, &e);
	if (s->capability == NULL)
		on_answer(s, 0, &e);
}

/* A command that is asked anew says it when it has answered. */
static void compare_answers(struct supervisor *s)
{
	int version = (int)ipnbus_capability(s->bus.stream);
	if (s->capability != NULL || version == 0)
		return;
	if (s->asked_capver != 0 && version != s->asked_capver)
		condition_raise(&s->conditions, CONDITION_CAPABILITY_DIFFERS,
			"tailscaled has capability version %d, tailscale has %d", version,
			s->asked_capver);
	else
		condition_clear(&s->conditions, CONDITION_CAPABILITY_DIFFERS);
}

/* What the daemon itself says counts from now on; this is for the comparison alone. */
static void on_later_answer(void *arg, int version, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	s->capability = NULL;
	s->asked_capver = version;
	compare_answers(s);
}

/* Not earlier than the daemon answers: its start is not to share the processor. */
static void ask_again(struct supervisor *s)
{
	struct err e;
	if (!s->is_capver_old || !s->settings->asks_version || s->capability != NULL)
		return;
	s->is_capver_old = false;
	s->capability = capability_ask(s->loop, s->procs, on_later_answer, s, &e);
	if (s->capability == NULL)
		on_later_answer(s, 0, &e);
}

void node_capability_forget(struct supervisor *s)
{
	s->is_capver_old = true;
}

void node_capability_compare(struct supervisor *s)
{
	struct err e;
	int version = (int)ipnbus_capability(s->bus.stream);
	ask_again(s);
	compare_answers(s);
	if (version == 0 || version == s->capver)
		return;
	s->capver = version;
	node_store_set_capver(&s->store, version);
	/* A file that cannot be read now is tried again at each change, and at the next start. */
	if (choose_config(s, &e) < 0 || !settings_is_one_step(s->settings) ||
		config_source_pending(&s->config) != CONFIG_PENDING_RESTART)
		return;
	log_event(EV_CONFIG_RESTART, s->config.mounted.path);
	daemon_restart(s->daemon);
}
