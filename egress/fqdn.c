#include "egress/fqdn.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "lib/base/gotext.h"
#include "lib/base/str.h"

/* RFC 1035, section 2.3.4. */
#define LABEL_MAX 63
#define NAME_MAX_WITH_DOT 254
/* "0-0-0-0-via-7" */
#define VIA_LEN_MIN 13
/* Size of a name or label as Go quotes it: up to four characters per byte, and the quotes. */
#define QUOTED_MAX (NAME_MAX_WITH_DOT * 4 + 3)

static int bad_label(const char *label, size_t len, struct err *e)
{
	char text[FQDN_TEXT_MAX];
	char quoted[QUOTED_MAX];
	memcpy(text, label, len);
	text[len] = '\0';
	gotext_quote(text, quoted, sizeof(quoted));
	return err_set(e, -EINVAL, "%s is not a valid DNS label", quoted);
}

/* Length of a name without its trailing dot. */
static size_t bare_len(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && text[len - 1] == '.' ? len - 1 : len;
}

int fqdn_normalise(const char *text, char out[static FQDN_TEXT_MAX], struct err *e)
{
	if (text[0] == '.')
		text++;
	size_t len = bare_len(text);
	if (len + 1 > NAME_MAX_WITH_DOT) {
		char quoted[QUOTED_MAX];
		gotext_quote(text, quoted, sizeof(quoted));
		return err_set(e, -ENAMETOOLONG, "%s is too long to be a DNS name", quoted);
	}
	size_t begin = 0;
	for (size_t i = 0; len > 0 && i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (i == begin || i - begin > LABEL_MAX)
			return bad_label(text + begin, i - begin, e);
		begin = i + 1;
	}
	memcpy(out, text, len);
	out[len] = '.';
	out[len + 1] = '\0';
	return 0;
}

bool fqdn_equal(const char *a, const char *b)
{
	size_t len = bare_len(a);
	return len == bare_len(b) && strncasecmp(a, b, len) == 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The base of a literal and the length of its prefix. At least one digit follows, except after a
 * leading 0, which is itself a digit of the octal number. */
static uint32_t literal_base(const char *text, size_t *prefix)
{
	*prefix = 2;
	if (text[0] == '0' && text[1] == 'x')
		return 16;
	if (text[0] == '0' && text[1] == 'o')
		return 8;
	if (text[0] == '0' && text[1] == 'b')
		return 2;
	*prefix = 0;
	return text[0] == '0' ? 8 : 10;
}

/* A Go integer literal of 32 bits: an underscore may stand between two digits, or between the base
 * prefix and a digit. */
static bool parse_literal(const char *text, uint32_t *out)
{
	size_t i;
	uint32_t base = literal_base(text, &i);
	bool after_digit = i > 0;
	bool ends_in_digit = false;
	uint64_t value = 0;
	for (; text[i] != '\0'; i++) {
		ends_in_digit = text[i] != '_';
		if (!ends_in_digit) {
			if (!after_digit)
				return false;
			after_digit = false;
			continue;
		}
		int digit = digit_value(text[i]);
		if (digit < 0 || (uint32_t)digit >= base)
			return false;
		value = value * base + (uint32_t)digit;
		if (value > UINT32_MAX)
			return false;
		after_digit = true;
	}
	*out = (uint32_t)value;
	return ends_in_digit;
}

/* Whether the text after the first label is empty or a domain of tailnets. */
static bool is_tailnet_domain(const char *domain)
{
	return domain[0] == '\0' || str_ends(domain, ".ts.net") ||
	       str_ends(domain, ".tailscale.net");
}

static bool parse_v4(char *hyphens, struct ipaddr *out)
{
	struct err e;
	for (char *c = hyphens; *c != '\0'; c++) {
		if (*c == '-')
			*c = '.';
	}
	return ipaddr_parse(hyphens, out, &e) == 0 && out->family == IPADDR_V4;
}

static struct ipaddr via_address(uint32_t site, const struct ipaddr *v4)
{
	struct ipaddr a = {.family = IPADDR_V6,
		.bytes = {0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0, 0x0b, 0x1a, (uint8_t)(site >> 24),
			(uint8_t)(site >> 16), (uint8_t)(site >> 8), (uint8_t)site}};
	memcpy(a.bytes + 12, v4->bytes, 4);
	return a;
}

bool fqdn_parse_via(const char *text, struct ipaddr *out)
{
	size_t len = bare_len(text);
	char name[FQDN_TEXT_MAX];
	if (len < VIA_LEN_MIN || len >= sizeof(name))
		return false;
	for (size_t i = 0; i < len; i++)
		name[i] = (char)tolower((unsigned char)text[i]);
	name[len] = '\0';
	char *domain = strchr(name, '.');
	if (domain != NULL)
		*domain++ = '\0';
	if (!is_tailnet_domain(domain != NULL ? domain : ""))
		return false;
	char *via = strstr(name, "-via-");
	if (via == NULL)
		return false;
	*via = '\0';
	uint32_t site;
	struct ipaddr v4;
	if (!parse_v4(name, &v4) || !parse_literal(via + strlen("-via-"), &site))
		return false;
	*out = via_address(site, &v4);
	return true;
}
