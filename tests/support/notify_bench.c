#include "tests/support/notify_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

static int on_notify(void *arg, const struct ipn_notify *n, struct err *e)
{
	struct notify_bench *f = arg;
	assert_true(f->count < NOTIFY_SEEN_MAX);
	struct notify_seen *s = &f->seen[f->count++];
	s->n = *n;
	s->error = xstrdup(n->error_message);
	s->url = xstrdup(n->browse_to_url);
	s->auth_url = xstrdup(n->auth_url);
	s->session_id = xstrdup(n->session_id);
	if (n->self != NULL)
		selfnode_copy(&s->self, n->self);
	strv_copy(&s->cert_domains, n->cert_domains);
	for (size_t i = 0; i < n->warning_count; i++) {
		const struct ipn_warning *w = &n->warnings[i];
		strv_pushf(&s->warnings, "%s|%s|%s|%s", w->code, w->title, w->text, w->error);
	}
	return f->answer < 0 ? err_set(e, f->answer, "no more") : 0;
}

int notify_bench_open(void **state)
{
	struct notify_bench *f = xcalloc(1, sizeof(*f));
	f->peers = peers_new();
	f->records = records_new();
	f->decoder = ipn_decoder_new(f->peers, f->records, on_notify, f);
	log_capture_start(&f->log);
	*state = f;
	return 0;
}

void notify_forget(struct notify_bench *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct notify_seen *s = &f->seen[i];
		free(s->error);
		free(s->url);
		free(s->auth_url);
		free(s->session_id);
		selfnode_fini(&s->self);
		strv_fini(&s->cert_domains);
		strv_fini(&s->warnings);
		memset(s, 0, sizeof(*s));
	}
	f->count = 0;
}

int notify_bench_close(void **state)
{
	struct notify_bench *f = *state;
	notify_forget(f);
	ipn_decoder_free(f->decoder);
	peers_free(f->peers);
	records_free(f->records);
	log_capture_stop(&f->log);
	free(f);
	return 0;
}

void notify_restart(struct notify_bench *f)
{
	ipn_decoder_free(f->decoder);
	f->decoder = ipn_decoder_new(f->peers, f->records, on_notify, f);
}

void notify_want(struct notify_bench *f, const char *names, const char *address)
{
	AUTO(strv_fini) struct strv list = {0};
	struct ipaddr a;
	struct err e;
	str_words(names, &list);
	if (address != NULL)
		assert_int_equal(ipaddr_parse(address, &a, &e), 0);
	peers_want(f->peers, &list, &a, address != NULL ? 1 : 0);
	records_want(f->records, &list);
	notify_restart(f);
}

void notify_feed(struct notify_bench *f, const char *text)
{
	struct err e = {0};
	int code = ipn_decoder_feed(f->decoder, text, strlen(text), &e);
	assert_string_equal(e.msg, "");
	assert_int_equal(code, 0);
	assert_false(ipn_decoder_is_inside(f->decoder));
}

const struct notify_seen *notify_last(const struct notify_bench *f)
{
	assert_true(f->count > 0);
	return &f->seen[f->count - 1];
}
