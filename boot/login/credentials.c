#include "boot/login/credentials.h"

#include "boot/config/daemon_config.h"
#include "boot/settings/settings.h"

void credentials_init(struct credentials *c, const struct settings *settings)
{
	struct err unreadable;
	*c = (struct credentials){.settings_ref = settings};
	if (settings_is_one_step(settings) &&
		daemon_config_load(settings->config_path, &c->config, &unreadable) < 0)
		secret_fini(&c->config);
	mask_add(&c->mask, &settings->authkey);
	mask_add(&c->mask, &settings->client_secret);
	mask_add(&c->mask, &settings->id_token);
	mask_add(&c->mask, &c->config);
	c->has_extra = mask_add_arguments(&c->mask, settings->extra_args);
}

void credentials_fini(struct credentials *c)
{
	secret_fini(&c->stored);
	secret_fini(&c->config);
	mask_fini(&c->mask);
}

void credentials_set_stored(struct credentials *c, const char *value, size_t len)
{
	secret_set(&c->stored, value, len);
	mask_add(&c->mask, &c->stored);
}

int credentials_read_config(struct credentials *c, struct err *e)
{
	int code = daemon_config_load(c->settings_ref->config_path, &c->config, e);
	mask_add(&c->mask, &c->config);
	return code;
}

bool credentials_are_given(const struct credentials *c)
{
	const struct settings *settings = c->settings_ref;
	return secret_is_set(&settings->authkey) || secret_is_set(&c->stored) ||
	       secret_is_set(&settings->client_secret) || settings->client_id[0] != '\0' ||
	       c->has_extra;
}
