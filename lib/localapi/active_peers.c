#include "lib/localapi/active_peers.h"

#include "lib/base/buf.h"
#include "lib/base/jscan.h"
#include "lib/base/mem.h"

enum rule {
	R_PEER,
	R_ACTIVE,
	R_ADDRESS,
};

static const struct jscan_rule rules[] = {
	{R_PEER, {"Peer", "*"}, JSCAN_MARK},
	{R_ACTIVE, {"Peer", "*", "Active"}, JSCAN_VALUE},
	{R_ADDRESS, {"Peer", "*", "TailscaleIPs", "*"}, JSCAN_VALUE},
};

struct reading {
	struct active_peers *out;
	struct ipaddr address; /* of the peer being read, IPADDR_NONE = not yet known */
	bool is_active;
};

static void read_address(struct reading *r, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(IPADDR_TEXT_MAX);
	struct err ignored;
	if (r->address.family == IPADDR_NONE &&
		(jscan_unquote(ev->text, ev->len, &text, &ignored) < 0 ||
			ipaddr_parse(buf_cstr(&text), &r->address, &ignored) < 0))
		r->address = (struct ipaddr){0};
}

static int on_event(void *arg, const struct jscan_event *ev, struct err *e)
{
	struct reading *r = arg;
	(void)e;
	if (ev->id == R_PEER && ev->kind == JSCAN_GOT_BEGIN) {
		r->address = (struct ipaddr){0};
		r->is_active = false;
	}
	if (ev->id == R_PEER && ev->kind == JSCAN_GOT_END && r->is_active &&
		r->address.family != IPADDR_NONE && r->out->count < ACTIVE_PEERS_MAX)
		r->out->addresses[r->out->count++] = r->address;
	if (ev->id == R_ACTIVE && (ev->truncated || !jscan_bool(ev->text, ev->len, &r->is_active)))
		r->is_active = false;
	if (ev->id == R_ADDRESS && !ev->truncated)
		read_address(r, ev);
	return 0;
}

int active_peers_read(const char *text, size_t len, struct active_peers *out, struct err *e)
{
	struct reading r = {.out = out};
	out->count = 0;
	struct jscan *scan = jscan_new(rules, ARRAY_LEN(rules), IPADDR_TEXT_MAX, on_event, &r);
	int code = jscan_feed(scan, text, len, e);
	if (code == 0)
		code = jscan_finish(scan, e);
	jscan_free(scan);
	if (code == 0)
		return 0;
	out->count = 0;
	return err_wrap(e, "status");
}
