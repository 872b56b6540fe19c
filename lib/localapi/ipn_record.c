#include "lib/localapi/ipn_record.h"

#include <string.h>

#include "lib/base/jscan.h"
#include "lib/localapi/names.h"
#include "lib/localapi/records.h"

void ipn_record_reset(struct ipn_record *r)
{
	r->name.max = NAMES_TEXT_MAX;
	buf_reset(&r->name);
	r->address = (struct ipaddr){0};
}

void ipn_record_fini(struct ipn_record *r)
{
	buf_fini(&r->name);
	memset(r, 0, sizeof(*r));
}

void ipn_record_read_name(struct ipn_record *r, const struct jscan_event *ev)
{
	struct err ignored;
	if (ev->truncated || jscan_unquote(ev->text, ev->len, &r->name, &ignored) < 0)
		buf_reset(&r->name);
}

void ipn_record_read_value(struct ipn_record *r, const struct jscan_event *ev)
{
	char text[IPADDR_TEXT_MAX * 2];
	struct err ignored;
	r->address = (struct ipaddr){0};
	/* Addresses need no unescaping, and there may be very many of them: avoid the heap. */
	if (ev->truncated || ev->len < 2 || ev->len > sizeof(text) || ev->text[0] != '"')
		return;
	memcpy(text, ev->text + 1, ev->len - 2);
	text[ev->len - 2] = '\0';
	if (ipaddr_parse(text, &r->address, &ignored) < 0)
		r->address = (struct ipaddr){0};
}

void ipn_record_offer(const struct ipn_record *r, struct records *records)
{
	if (r->name.len > 0 && r->address.family != IPADDR_NONE)
		records_offer(records, buf_cstr(&r->name), &r->address);
}
