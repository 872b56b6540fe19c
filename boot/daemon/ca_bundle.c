#include "boot/daemon/ca_bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/daemon/daemon_conditions.h"
#include "boot/daemon/daemon_events.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/fswatch.h"

#define FILE_MAX (1u << 20) /* the most that a mounted Secret or ConfigMap can hold */
#define SYSTEM_MAX (4u << 20)
#define BUNDLE_MODE 0600
#define DIRECTORY_MODE 0755
#define DEBOUNCE_MS 100

/* crypto/x509/root_linux.go: the first that can be read. */
static const char *const system_files[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* The last line may lack its end. */
static int append_system(const struct buf *text, struct buf *out, struct err *e)
{
	if (buf_append(out, buf_cstr(text), text->len, e) < 0)
		return e->code;
	return buf_append_str(out, "\n", e);
}

static int merge_system(
	const struct settings *s, struct buf *out, const char **found, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(SYSTEM_MAX);
	*found = NULL;
	if (*s->ssl_cert_file != '\0') {
		if (atomicfile_read(s->ssl_cert_file, &text, e) < 0)
			return err_wrap(e, "SSL_CERT_FILE, which TAILBOOT_CA_FILE is added to");
		*found = s->ssl_cert_file;
		return append_system(&text, out, e);
	}
	for (size_t i = 0; i < ARRAY_LEN(system_files); i++) {
		AUTO(mem_free) char *path = settings_path(s, system_files[i]);
		int code = atomicfile_read(path, &text, e);
		if (code == -EMSGSIZE)
			return err_wrap(e, "the bundle that TAILBOOT_CA_FILE is added to");
		if (code < 0)
			continue;
		*found = system_files[i];
		return append_system(&text, out, e);
	}
	return 0;
}

int ca_bundle_merge(
	const struct settings *s, struct buf *out, struct ca_bundle_facts *facts, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX);
	AUTO(buf_fini) struct buf certificates = BUF_INIT(2 * FILE_MAX);
	if (atomicfile_read(s->ca_file, &text, e) < 0)
		return err_wrap(e, "TAILBOOT_CA_FILE");
	if (pem_certificates(buf_cstr(&text), text.len, &certificates, &facts->count, e) < 0)
		return err_wrap(e, "TAILBOOT_CA_FILE: %s", s->ca_file);
	if (merge_system(s, out, &facts->system, e) < 0)
		return e->code;
	return buf_append(out, buf_cstr(&certificates), certificates.len, e);
}

static int make_directory(const char *path, struct err *e)
{
	AUTO(mem_free) char *directory = xstrdup(path);
	char *slash = strrchr(directory, '/');
	if (slash == NULL || slash == directory)
		return 0;
	*slash = '\0';
	return atomicfile_make_dirs(directory, DIRECTORY_MODE, e);
}

/* As tailscaled does for its socket. */
static int write_bundle(const struct ca_bundle *c, const struct buf *text, struct err *e)
{
	if (make_directory(c->path, e) < 0 ||
		atomicfile_write(c->path, buf_cstr(text), text->len, BUNDLE_MODE, e) < 0)
		return err_wrap(e, "writing the certificates of TAILBOOT_CA_FILE for tailscaled");
	return 0;
}

/* Cleaners of /tmp remove files that nobody opens. */
static bool has_bundle(const struct ca_bundle *c, const struct digest *wanted)
{
	return c->is_written && digest_equal(wanted, &c->digest) && access(c->path, F_OK) == 0;
}

/* Merges, and writes what is new. */
static int update(struct ca_bundle *c, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(CA_BUNDLE_MAX);
	struct ca_bundle_facts facts = {0};
	struct digest digest;
	if (ca_bundle_merge(c->partners.settings, &text, &facts, e) < 0)
		return e->code;
	digest_of(buf_cstr(&text), text.len, &digest);
	if (has_bundle(c, &digest))
		return 0;
	if (write_bundle(c, &text, e) < 0)
		return e->code;
	c->digest = digest;
	c->is_written = true;
	c->is_newer = true;
	log_event(EV_DAEMON_CA_MERGED, c->partners.settings->ca_file,
		facts.system != NULL ? facts.system : "no bundle of the system", facts.count);
	return 0;
}

/* Tried again: room for the bundle, or the system's one, may be back without a change of the file
 * that is watched. */
static void update_or_raise(struct ca_bundle *c)
{
	struct err e;
	if (update(c, &e) < 0) {
		condition_raise(c->partners.conditions, CONDITION_CA_FILE_INVALID, "%s", e.msg);
		timer_start(&c->retry, backoff_next(&c->backoff));
		return;
	}
	timer_stop(&c->retry);
	backoff_reset(&c->backoff);
	condition_clear(c->partners.conditions, CONDITION_CA_FILE_INVALID);
}

static void on_change(void *arg)
{
	struct ca_bundle *c = arg;
	struct digest before = c->digest;
	update_or_raise(c);
	if (digest_equal(&before, &c->digest))
		return;
	log_event(EV_DAEMON_CA_CHANGED, c->partners.settings->ca_file);
	c->partners.on_newer(c->partners.arg);
}

int ca_bundle_open(struct ca_bundle *c, const struct ca_bundle_partners *partners, struct err *e)
{
	const struct settings *settings = partners->settings;
	*c = (struct ca_bundle){.partners = *partners};
	if (*settings->ca_file == '\0')
		return 0;
	c->path = xasprintf("%s.ca-bundle", settings->socket);
	c->backoff = BACKOFF_INIT(partners->times->retry_base_ms, partners->times->retry_max_ms);
	timer_init(&c->retry, partners->loop, on_change, c);
	if (update(c, e) < 0)
		return e->code;
	if (setenv("SSL_CERT_FILE", c->path, 1) < 0)
		return err_set_errno(e, -errno, "set SSL_CERT_FILE");
	c->watch =
		fswatch_new_for_file(partners->loop, settings->ca_file, DEBOUNCE_MS, on_change, c);
	return 0;
}

void ca_bundle_refresh(struct ca_bundle *c)
{
	if (c->path == NULL)
		return;
	update_or_raise(c);
	c->is_newer = false;
}

void ca_bundle_fini(struct ca_bundle *c)
{
	struct err ignored;
	fswatch_free(c->watch);
	timer_stop(&c->retry);
	/* A file that cannot be removed is written anew at the next start. */
	if (c->path != NULL && c->is_written && atomicfile_remove(c->path, &ignored) < 0)
		err_clear(&ignored);
	free(c->path);
	*c = (struct ca_bundle){0};
}
