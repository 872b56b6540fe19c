#include "lib/kube/kube_account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_file.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"

static int read_token(struct kube_account *a, struct err *e)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(KUBE_FILE_MAX);
	struct stat st;
	if (kube_file_read(a->token_path, &text, &st, e) < 0)
		return e->code;
	kube_file_trim(&text);
	if (text.len == 0)
		return err_set(e, -EINVAL, "%s is empty", a->token_path);
	if (a->access.token.len != text.len ||
		memcmp(secret_str(&a->access.token), text.data, text.len) != 0)
		a->access.generation++;
	secret_set(&a->access.token, text.data, text.len);
	a->token_stat = st;
	return 0;
}

static int read_ca(struct kube_account *a, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(KUBE_FILE_MAX);
	struct stat st;
	if (kube_file_read(a->ca_path, &text, &st, e) < 0)
		return e->code;
	if (strstr(buf_cstr(&text), PEM_BEGIN) == NULL)
		return err_set(e, -EINVAL, "error in creating root cert pool: no certificate in %s",
			a->ca_path);
	buf_fini(&a->access.ca);
	a->access.ca = text;
	text = BUF_INIT(0);
	a->ca_stat = st;
	return 0;
}

char *kube_read_namespace(const char *account_dir, struct err *e)
{
	AUTO(mem_free) char *path = xasprintf("%s/namespace", account_dir);
	AUTO(buf_fini) struct buf ns = BUF_INIT(KUBE_FILE_MAX);
	if (atomicfile_read(path, &ns, e) < 0) {
		err_wrap(e, "kube");
		return NULL;
	}
	kube_file_trim(&ns);
	if (ns.len > 0)
		return buf_take(&ns);
	err_set(e, -EINVAL, "kube: %s is empty", path);
	return NULL;
}

int kube_account_init(struct kube_account *a, const char *dir, struct err *e)
{
	*a = (struct kube_account){
		.token_path = xasprintf("%s/token", dir),
		.ca_path = xasprintf("%s/ca.crt", dir),
	};
	a->access.ns = kube_read_namespace(dir, e);
	if (a->access.ns == NULL)
		return e->code;
	if (read_ca(a, e) < 0 || read_token(a, e) < 0)
		return err_wrap(e, "kube");
	return 0;
}

void kube_account_fini(struct kube_account *a)
{
	free(a->token_path);
	free(a->ca_path);
	free(a->access.ns);
	secret_fini(&a->access.token);
	buf_fini(&a->access.ca);
	memset(a, 0, sizeof(*a));
}

void kube_account_refresh(struct kube_account *a, bool force)
{
	struct err kept_as_it_was;
	if (kube_file_has_changed(a->ca_path, &a->ca_stat) && read_ca(a, &kept_as_it_was) < 0)
		err_clear(&kept_as_it_was);
	if ((force || kube_file_has_changed(a->token_path, &a->token_stat)) &&
		read_token(a, &kept_as_it_was) < 0)
		err_clear(&kept_as_it_was);
}

static void refresh(struct kube_access *access, bool force)
{
	kube_account_refresh(CONTAINER_OF(access, struct kube_account, access), force);
}

static void account_free(struct kube_access *access)
{
	struct kube_account *a = CONTAINER_OF(access, struct kube_account, access);
	kube_account_fini(a);
	free(a);
}

struct kube_access *kube_account_new(const char *dir, struct err *e)
{
	struct kube_account *a = xcalloc(1, sizeof(*a));
	int code = kube_account_init(a, dir, e);
	a->access.refresh = refresh;
	a->access.free = account_free;
	if (code == 0)
		return &a->access;
	account_free(&a->access);
	return NULL;
}
