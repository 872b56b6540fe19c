#include "controller/planes/planes_credentials.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/kube_secret.h"

struct place {
	const char *ns, *name;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value without the white space around it. out stays unset when there is none. */
static int read_value(const struct kube_fields *fields, const char *key, const struct place *at,
	struct secret *out, struct err *e)
{
	const struct kube_field *field = kube_fields_get(fields, key);
	if (field == NULL)
		return 0;
	const char *begin = field->value;
	size_t len = field->len;
	while (len > 0 && is_space(*begin)) {
		begin++;
		len--;
	}
	while (len > 0 && is_space(begin[len - 1]))
		len--;
	if (len > PLANES_VALUE_MAX)
		return err_set(e, -EINVAL, "Secret %s/%s: the value of %s is longer than %d bytes",
			at->ns, at->name, key, PLANES_VALUE_MAX);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)begin[i] <= ' ' || (unsigned char)begin[i] > '~')
			return err_set(e, -EINVAL,
				"Secret %s/%s: the value of %s is no credential: it has a byte "
				"that is no printable character",
				at->ns, at->name, key);
	}
	if (len > 0)
		secret_set(out, begin, len);
	return 0;
}

static int choose_form(
	struct planes_keys *keys, const struct secret *id, const struct place *at, struct err *e)
{
	bool has_id = secret_is_set(id);
	bool has_secret = secret_is_set(&keys->client_secret);
	bool has_key = secret_is_set(&keys->api_key);
	if (has_key && (has_id || has_secret))
		return err_set(e, -EINVAL,
			"Secret %s/%s has both api_key and %s: keep client_id and client_secret, "
			"or api_key alone",
			at->ns, at->name, has_id ? "client_id" : "client_secret");
	if (has_key)
		return 0;
	if (!has_id && !has_secret)
		return err_set(e, -EINVAL,
			"Secret %s/%s has no credentials: set the keys client_id and "
			"client_secret, or api_key",
			at->ns, at->name);
	if (!has_id || !has_secret)
		return err_set(e, -EINVAL, "Secret %s/%s lacks the key %s", at->ns, at->name,
			has_id ? "client_secret" : "client_id");
	keys->client_id = xstrdup(secret_str(id));
	return 0;
}

static int read_form(
	const struct json *secret, const struct place *at, struct planes_keys *out, struct err *e)
{
	AUTO(kube_fields_fini) struct kube_fields fields = {0};
	AUTO(secret_fini) struct secret id = {0};
	if (kube_secret_decode(secret, &fields, e) < 0)
		return err_wrap(e, "Secret %s/%s", at->ns, at->name);
	if (read_value(&fields, "client_id", at, &id, e) < 0 ||
		read_value(&fields, "client_secret", at, &out->client_secret, e) < 0 ||
		read_value(&fields, "api_key", at, &out->api_key, e) < 0)
		return e->code;
	return choose_form(out, &id, at, e);
}

int planes_keys_read(const struct json *secret, const char *ns, const char *name,
	struct planes_keys *out, struct err *e)
{
	const struct place at = {ns, name};
	planes_keys_fini(out);
	int code = read_form(secret, &at, out, e);
	if (code < 0)
		planes_keys_fini(out);
	return code;
}

void planes_keys_fini(struct planes_keys *keys)
{
	free(keys->client_id);
	keys->client_id = NULL;
	secret_fini(&keys->client_secret);
	secret_fini(&keys->api_key);
}

char *planes_ca_read(const struct json *secret, const char *ns, const char *name, struct err *e)
{
	AUTO(kube_fields_fini) struct kube_fields fields = {0};
	if (kube_secret_decode(secret, &fields, e) < 0) {
		err_wrap(e, "Secret %s/%s", ns, name);
		return NULL;
	}
	const struct kube_field *field = kube_fields_get(&fields, "ca.crt");
	if (field == NULL || field->len == 0) {
		err_set(e, -EINVAL,
			"Secret %s/%s lacks the key ca.crt, the certificates that caSecretName is "
			"for",
			ns, name);
		return NULL;
	}
	if (field->len > PLANES_CA_MAX || !str_is_utf8(field->value, field->len)) {
		err_set(e, -EINVAL,
			"Secret %s/%s: the value of ca.crt is not a PEM text of at most %u bytes",
			ns, name, PLANES_CA_MAX);
		return NULL;
	}
	return xstrndup(field->value, field->len);
}
