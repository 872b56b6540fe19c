#include "lib/base/ipaddr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define QUOTED_MAX 256

/* The text as a whole, for messages, and the part being looked at. */
struct parse {
	const char *text;
	const char *at;
	const char *end;
	struct err *e;
};

/* `at` is where the fault lies, NULL to say nothing about the place. */
static int fail(const struct parse *p, const char *at, const char *why)
{
	char text[QUOTED_MAX];
	char remaining[QUOTED_MAX];
	char copy[QUOTED_MAX];
	gotext_quote(p->text, text, sizeof(text));
	if (at == NULL || at == p->end)
		return err_set(p->e, -EINVAL, "ParseAddr(%s): %s", text, why);
	snprintf(copy, sizeof(copy), "%.*s", (int)(p->end - at), at);
	gotext_quote(copy, remaining, sizeof(remaining));
	return err_set(p->e, -EINVAL, "ParseAddr(%s): %s (at %s)", text, why, remaining);
}

/* Four decimal octets from p->at to p->end. */
static int parse_octets(const struct parse *p, uint8_t out[static 4])
{
	unsigned int value = 0;
	int digits = 0;
	int field = 0;
	for (const char *s = p->at; s < p->end; s++) {
		if (*s >= '0' && *s <= '9') {
			if (digits == 1 && value == 0)
				return fail(p, NULL, "IPv4 field has octet with leading zero");
			value = value * 10 + (unsigned int)(*s - '0');
			digits++;
			if (value > 255)
				return fail(p, NULL, "IPv4 field has value >255");
			continue;
		}
		if (*s != '.')
			return fail(p, s, "unexpected character");
		if (s == p->at || s + 1 == p->end || s[-1] == '.')
			return fail(p, s, "IPv4 field must have at least one digit");
		if (field == 3)
			return fail(p, NULL, "IPv4 address too long");
		out[field++] = (uint8_t)value;
		value = 0;
		digits = 0;
	}
	if (field < 3)
		return fail(p, NULL, "IPv4 address too short");
	out[3] = (uint8_t)value;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* State of an IPv6 address that is being read. */
struct groups {
	uint8_t bytes[16];
	int len;      /* bytes stored */
	int ellipsis; /* where in bytes the :: stands, -1 without */
	bool ended;   /* nothing may follow */
};

/* The octets of "::ffff:1.2.3.4", which begin at p->at. */
static int parse_embedded(struct parse *p, struct groups *g)
{
	if (g->ellipsis < 0 && g->len != 12)
		return fail(p, p->at,
			"embedded IPv4 address must replace the final 2 fields of the address");
	if (g->len + 4 > 16)
		return fail(p, p->at,
			"too many hex fields to fit an embedded IPv4 at the end of the address");
	int code = parse_octets(p, g->bytes + g->len);
	if (code < 0)
		return code;
	p->at = p->end;
	g->len += 4;
	g->ended = true;
	return 0;
}

/* What follows a group: the end, ":" or "::". */
static int parse_colon(struct parse *p, struct groups *g)
{
	if (p->at == p->end) {
		g->ended = true;
		return 0;
	}
	if (*p->at != ':')
		return fail(p, p->at, "unexpected character, want colon");
	if (p->at + 1 == p->end)
		return fail(p, p->at, "colon must be followed by more characters");
	p->at++;
	if (*p->at != ':')
		return 0;
	if (g->ellipsis >= 0)
		return fail(p, p->at, "multiple :: in address");
	g->ellipsis = g->len;
	p->at++;
	g->ended = p->at == p->end;
	return 0;
}

/* One group of hexadecimal digits with the colons behind it, or the embedded IPv4 address. */
static int parse_group(struct parse *p, struct groups *g)
{
	unsigned int value = 0;
	const char *s = p->at;
	for (; s < p->end && hex_value(*s) >= 0; s++) {
		if (s - p->at > 3)
			return fail(p, p->at, "each group must have 4 or less digits");
		value = value << 4 | (unsigned int)hex_value(*s);
	}
	if (s == p->at)
		return fail(p, p->at, "each colon-separated field must have at least one digit");
	if (s < p->end && *s == '.')
		return parse_embedded(p, g);
	g->bytes[g->len++] = (uint8_t)(value >> 8);
	g->bytes[g->len++] = (uint8_t)value;
	p->at = s;
	return parse_colon(p, g);
}

static int parse_groups(struct parse *p, struct groups *g)
{
	if (p->end - p->at >= 2 && p->at[0] == ':' && p->at[1] == ':') {
		g->ellipsis = 0;
		p->at += 2;
		g->ended = p->at == p->end;
	}
	while (!g->ended && g->len < 16) {
		int code = parse_group(p, g);
		if (code < 0)
			return code;
	}
	if (p->at != p->end)
		return fail(p, p->at, "trailing garbage after address");
	if (g->len == 16 && g->ellipsis >= 0)
		return fail(p, NULL, "the :: must expand to at least one field of zeros");
	if (g->len < 16 && g->ellipsis < 0)
		return fail(p, NULL, "address string too short");
	if (g->len < 16) {
		int tail = g->len - g->ellipsis;
		memmove(g->bytes + 16 - tail, g->bytes + g->ellipsis, (size_t)tail);
		memset(g->bytes + g->ellipsis, 0, (size_t)(16 - g->len));
	}
	return 0;
}

static int parse_v6(struct parse *p, struct ipaddr *out)
{
	struct groups g = {.ellipsis = -1};
	const char *zone = strchr(p->text, '%');
	if (zone != NULL) {
		p->end = zone++;
		if (*zone == '\0')
			return fail(p, NULL, "zone must be a non-empty string");
	}
	int code = parse_groups(p, &g);
	if (code < 0)
		return code;
	if (zone != NULL && strlen(zone) >= sizeof(out->zone))
		return fail(p, NULL, "zone is longer than the name of an interface");
	out->family = IPADDR_V6;
	memcpy(out->bytes, g.bytes, sizeof(out->bytes));
	if (zone != NULL)
		memcpy(out->zone, zone, strlen(zone) + 1);
	return 0;
}

int ipaddr_parse(const char *text, struct ipaddr *out, struct err *e)
{
	struct parse p = {.text = text, .at = text, .end = text + strlen(text), .e = e};
	*out = (struct ipaddr){0};
	const char *first = strpbrk(text, ".:%");
	if (first == NULL)
		return fail(&p, NULL, "unable to parse IP");
	if (*first == '%')
		return fail(&p, NULL, "missing IPv6 address");
	if (*first == ':')
		return parse_v6(&p, out);
	int code = parse_octets(&p, out->bytes);
	if (code == 0)
		out->family = IPADDR_V4;
	else
		*out = (struct ipaddr){0};
	return code;
}

/* Parses the part of a text that names an address. No valid one is longer than the copy. */
static int parse_part(const char *text, size_t len, struct ipaddr *out, struct err *e)
{
	char part[QUOTED_MAX];
	if (len >= sizeof(part))
		return err_set(e, -EINVAL, "ParseAddr of %zu characters: unable to parse IP", len);
	memcpy(part, text, len);
	part[len] = '\0';
	return ipaddr_parse(part, out, e);
}

int ipprefix_parse(const char *text, struct ipprefix *out, struct err *e)
{
	char quoted[QUOTED_MAX];
	char bits_quoted[QUOTED_MAX];
	gotext_quote(text, quoted, sizeof(quoted));
	*out = (struct ipprefix){0};
	const char *slash = strrchr(text, '/');
	if (slash == NULL)
		return err_set(e, -EINVAL, "netip.ParsePrefix(%s): no '/'", quoted);
	struct ipaddr addr = {0};
	int code = parse_part(text, (size_t)(slash - text), &addr, e);
	if (code < 0)
		return err_wrap(e, "netip.ParsePrefix(%s)", quoted);
	if (addr.zone[0] != '\0')
		return err_set(e, -EINVAL,
			"netip.ParsePrefix(%s): IPv6 zones cannot be present in a prefix", quoted);
	const char *bits = slash + 1;
	struct err ignored;
	uint64_t value = 0;
	code = str_to_u64(bits, INT64_MAX, &value, &ignored);
	if (code < 0 || (bits[0] == '0' && bits[1] != '\0')) {
		gotext_quote(bits, bits_quoted, sizeof(bits_quoted));
		return err_set(e, -EINVAL, "netip.ParsePrefix(%s): bad bits after slash: %s",
			quoted, bits_quoted);
	}
	if (value > (addr.family == IPADDR_V4 ? 32 : 128))
		return err_set(
			e, -EINVAL, "netip.ParsePrefix(%s): prefix length out of range", quoted);
	out->addr = addr;
	out->bits = (uint8_t)value;
	return 0;
}

int addrport_parse(const char *text, struct addrport *out, struct err *e)
{
	char quoted[QUOTED_MAX];
	char port_quoted[QUOTED_MAX];
	*out = (struct addrport){0};
	const char *colon = strrchr(text, ':');
	if (colon == NULL)
		return err_set(e, -EINVAL, "not an ip:port");
	if (colon == text)
		return err_set(e, -EINVAL, "no IP");
	if (colon[1] == '\0')
		return err_set(e, -EINVAL, "no port");
	bool bracketed = text[0] == '[';
	if (bracketed && (colon - text < 2 || colon[-1] != ']'))
		return err_set(e, -EINVAL, "missing ]");
	gotext_quote(text, quoted, sizeof(quoted));
	struct err ignored;
	uint64_t port;
	if (str_to_u64(colon + 1, UINT16_MAX, &port, &ignored) < 0) {
		gotext_quote(colon + 1, port_quoted, sizeof(port_quoted));
		return err_set(e, -EINVAL, "invalid port %s parsing %s", port_quoted, quoted);
	}
	struct ipaddr addr = {0};
	int code = parse_part(
		text + bracketed, (size_t)(colon - text) - (bracketed ? 2 : 0), &addr, e);
	if (code < 0)
		return code;
	if (bracketed && addr.family == IPADDR_V4)
		return err_set(e, -EINVAL,
			"invalid ip:port %s, square brackets can only be used with IPv6 addresses",
			quoted);
	if (!bracketed && addr.family == IPADDR_V6)
		return err_set(e, -EINVAL,
			"invalid ip:port %s, IPv6 addresses must be surrounded by square brackets",
			quoted);
	out->addr = addr;
	out->port = (uint16_t)port;
	return 0;
}

char *addrport_bracket(const char *text)
{
	struct ipaddr addr = {0};
	struct err ignored;
	const char *colon = strrchr(text, ':');
	if (colon == NULL || strpbrk(text, "[]") != NULL)
		return xstrdup(text);
	if (parse_part(text, (size_t)(colon - text), &addr, &ignored) < 0 ||
		addr.family != IPADDR_V6)
		return xstrdup(text);
	return xasprintf("[%.*s]%s", (int)(colon - text), text, colon);
}
