#include "lib/localapi/selfnode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

void selfnode_fini(struct selfnode *s)
{
	free(s->stable_id);
	free(s->fqdn);
	memset(s, 0, sizeof(*s));
}

void selfnode_copy(struct selfnode *to, const struct selfnode *from)
{
	if (to == from)
		return;
	struct selfnode copy = *from;
	copy.stable_id = xstrdup(from->stable_id);
	copy.fqdn = xstrdup(from->fqdn);
	selfnode_fini(to);
	*to = copy;
}

bool selfnode_same_addresses(const struct selfnode *a, const struct selfnode *b)
{
	if (a->address_count != b->address_count)
		return false;
	for (size_t i = 0; i < a->address_count; i++) {
		if (!ipprefix_equal(&a->addresses[i], &b->addresses[i]))
			return false;
	}
	return true;
}

/* "0001-01-01T00:00:00Z" is Go's zero time and means never. Fractions of a second and offsets do
 * not matter at the scale of key expiry; an unreadable text counts as no expiry. */
static int64_t parse_expiry(const char *text)
{
	struct tm tm = {0};
	if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return 0;
	time_t t = timegm(&tm);
	return t > 0 ? (int64_t)t : 0;
}

static int add_address(struct selfnode *s, const char *text, bool is_prefix, struct err *e)
{
	struct ipprefix prefix;
	if (s->address_count == SELFNODE_ADDRESSES_MAX)
		return err_set(e, -EMSGSIZE, "more than %d own addresses", SELFNODE_ADDRESSES_MAX);
	if (is_prefix) {
		if (ipprefix_parse(text, &prefix, e) < 0)
			return e->code;
	} else {
		struct ipaddr address;
		if (ipaddr_parse(text, &address, e) < 0)
			return e->code;
		prefix = ipprefix_from_addr(&address);
	}
	s->addresses[s->address_count++] = prefix;
	return 0;
}

static int read_addresses(
	struct selfnode *s, const struct json *doc, const char *key, bool is_prefix, struct err *e)
{
	AUTO(strv_fini) struct strv texts = {0};
	if (json_get_strv(doc, key, &texts, e) < 0)
		return e->code;
	for (size_t i = 0; i < texts.len; i++) {
		if (add_address(s, texts.items[i], is_prefix, e) < 0)
			return err_wrap(e, "%s", key);
	}
	return 0;
}

/* A node and a peer status use different keys for the same facts. */
struct member_names {
	const char *stable_id, *fqdn, *addresses;
	bool is_prefix;
};

static int parse(struct selfnode *s, const char *text, size_t len,
	const struct member_names *members, struct err *e)
{
	AUTO(selfnode_fini) struct selfnode parsed = {.known = true};
	const char *stable_id = "";
	const char *fqdn = "";
	AUTO(json_freep) struct json *doc = json_parse(text, len, e);
	if (doc == NULL)
		return err_wrap(e, "own node");
	if (json_type(doc) != JSON_OBJECT)
		return err_set(e, -EINVAL, "own node is no object");
	if (json_get_str(doc, members->stable_id, &stable_id, e) < 0 ||
		json_get_str(doc, members->fqdn, &fqdn, e) < 0 ||
		read_addresses(&parsed, doc, members->addresses, members->is_prefix, e) < 0)
		return err_wrap(e, "own node");
	parsed.stable_id = xstrdup(stable_id);
	parsed.fqdn = xstrdup(fqdn);
	/* A node is valid without these. */
	parsed.key_expiry_s = parse_expiry(json_str(json_get(doc, "KeyExpiry")));
	parsed.expired = json_bool(json_get(doc, "Expired"), false);
	parsed.online = json_bool(json_get(doc, "Online"), false);
	selfnode_copy(s, &parsed);
	return 0;
}

int selfnode_from_node(struct selfnode *s, const char *text, size_t len, struct err *e)
{
	static const struct member_names members = {"StableID", "Name", "Addresses", true};
	return parse(s, text, len, &members, e);
}

int selfnode_from_status(struct selfnode *s, const char *text, size_t len, struct err *e)
{
	static const struct member_names members = {"ID", "DNSName", "TailscaleIPs", false};
	return parse(s, text, len, &members, e);
}

char *selfnode_format_ips(const struct selfnode *s)
{
	if (s->address_count == 0)
		return xstrdup("null");
	AUTO(json_freep) struct json *list = json_new_array();
	for (size_t i = 0; i < s->address_count; i++) {
		char text[IPADDR_TEXT_MAX];
		json_push(list, json_new_str(ipaddr_format(&s->addresses[i].addr, text)));
	}
	return json_print(list);
}
