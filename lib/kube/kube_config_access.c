#include "lib/kube/kube_config_access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_file.h"

#define PEM_BEGIN "-----BEGIN "

/* The identity shows what is there; nothing at all is none. */
static void renew_identity(struct kube_config_access *a)
{
	bool has_certificate = secret_is_set(&a->certificate);
	a->identity.certificate_pem = has_certificate ? secret_str(&a->certificate) : NULL;
	a->identity.certificate_len = a->certificate.len;
	a->identity.key = &a->key;
	a->access.identity_ref = has_certificate || a->identity.is_unverified ? &a->identity : NULL;
}

static int read_part(
	const char *what, struct kube_config_part *part, struct secret *out, struct err *e)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(KUBE_FILE_MAX);
	if (kube_file_read(part->path, &text, &part->seen, e) < 0)
		return err_wrap(e, "%s", what);
	kube_file_trim(&text);
	if (text.len == 0)
		return err_set(e, -EINVAL, "%s: %s is empty", what, part->path);
	secret_set(out, text.data, text.len);
	return 0;
}

static int read_ca(struct kube_config_access *a, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(KUBE_FILE_MAX);
	if (kube_file_read(a->ca_file.path, &text, &a->ca_file.seen, e) < 0)
		return err_wrap(e, "certificate-authority");
	if (strstr(buf_cstr(&text), PEM_BEGIN) == NULL)
		return err_set(
			e, -EINVAL, "certificate-authority: no certificate in %s", a->ca_file.path);
	buf_fini(&a->access.ca);
	a->access.ca = text;
	text = BUF_INIT(0);
	return 0;
}

int kube_config_access_read(struct kube_config_access *a, struct err *e)
{
	if (a->ca_file.path != NULL && read_ca(a, e) < 0)
		return e->code;
	if (a->access.ca.len > 0 && strstr(buf_cstr(&a->access.ca), PEM_BEGIN) == NULL)
		return err_set(e, -EINVAL, "certificate-authority-data holds no certificate");
	if (a->token_file.path != NULL &&
		read_part("tokenFile", &a->token_file, &a->access.token, e) < 0)
		return e->code;
	if (a->certificate_file.path != NULL &&
		read_part("client-certificate", &a->certificate_file, &a->certificate, e) < 0)
		return e->code;
	if (a->key_file.path != NULL && read_part("client-key", &a->key_file, &a->key, e) < 0)
		return e->code;
	if (secret_is_set(&a->certificate) != secret_is_set(&a->key))
		return err_set(e, -EINVAL, "client-certificate and client-key come together");
	renew_identity(a);
	return 0;
}

static bool has_changed(const struct kube_config_part *part)
{
	return part->path != NULL && kube_file_has_changed(part->path, &part->seen);
}

static void refresh(struct kube_access *access, bool force)
{
	struct kube_config_access *a = CONTAINER_OF(access, struct kube_config_access, access);
	struct err kept_as_it_was;
	bool is_new = has_changed(&a->token_file) || has_changed(&a->certificate_file) ||
		      has_changed(&a->key_file);
	if ((is_new || has_changed(&a->ca_file)) &&
		kube_config_access_read(a, &kept_as_it_was) == 0 && is_new)
		access->generation++;
	if (force && a->on_refusal != NULL)
		a->on_refusal(a->on_refusal_arg);
}

static void access_free(struct kube_access *access)
{
	struct kube_config_access *a = CONTAINER_OF(access, struct kube_config_access, access);
	free(access->ns);
	secret_fini(&access->token);
	buf_fini(&access->ca);
	free(a->ca_file.path);
	free(a->token_file.path);
	free(a->certificate_file.path);
	free(a->key_file.path);
	secret_fini(&a->certificate);
	secret_fini(&a->key);
	free(a);
}

struct kube_config_access *kube_config_access_new(void)
{
	struct kube_config_access *a = xcalloc(1, sizeof(*a));
	a->access.refresh = refresh;
	a->access.free = access_free;
	a->access.ca = BUF_INIT(KUBE_FILE_MAX);
	return a;
}

void kube_config_set_credentials(struct kube_access *access, const char *token,
	const char *certificate_pem, const char *key_pem)
{
	struct kube_config_access *a = CONTAINER_OF(access, struct kube_config_access, access);
	secret_set_str(&access->token, token);
	secret_set_str(&a->certificate, certificate_pem);
	secret_set_str(&a->key, key_pem);
	renew_identity(a);
	access->generation++;
}

void kube_config_on_refusal(struct kube_access *access, void (*fn)(void *arg), void *arg)
{
	struct kube_config_access *a = CONTAINER_OF(access, struct kube_config_access, access);
	a->on_refusal = fn;
	a->on_refusal_arg = arg;
}
