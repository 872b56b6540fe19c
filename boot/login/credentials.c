#include "boot/login/credentials.h"

#include "boot/settings/settings.h"
#include "lib/base/mem.h"

void credentials_init(struct credentials *c, const struct settings *settings)
{
	*c = (struct credentials){.settings_ref = settings};
	mask_add(&c->mask, &settings->authkey);
	mask_add(&c->mask, &settings->client_secret);
	mask_add(&c->mask, &settings->id_token);
	c->has_extra = mask_add_arguments(&c->mask, settings->extra_args);
	mask_keep(&c->mask);
}

void credentials_fini(struct credentials *c)
{
	secret_fini(&c->stored);
	mask_fini(&c->mask);
}

bool credentials_set_stored(struct credentials *c, const char *value, size_t len)
{
	AUTO(secret_fini) struct secret before = {0};
	secret_copy(&before, &c->stored);
	secret_set(&c->stored, value, len);
	mask_add(&c->mask, &c->stored);
	return !secret_equal(&before, &c->stored);
}

void credentials_mask_config(struct credentials *c, const struct secret *authkey)
{
	mask_add(&c->mask, authkey);
}

bool credentials_are_given(const struct credentials *c)
{
	const struct settings *settings = c->settings_ref;
	return secret_is_set(&settings->authkey) || secret_is_set(&c->stored) ||
	       secret_is_set(&settings->client_secret) || settings->client_id[0] != '\0' ||
	       c->has_extra;
}
