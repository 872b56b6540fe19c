#include "lib/contract/status_text.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"

/* Characters that Go escapes although JSON does not require it. */
static const struct special {
	const char *text;
	const char *escaped;
} specials[] = {
	{"<", "\\u003c"},
	{">", "\\u003e"},
	{"&", "\\u0026"},
	{"\xe2\x80\xa8", "\\u2028"},
	{"\xe2\x80\xa9", "\\u2029"},
};

static void add_bytes(struct buf *out, const char *text, size_t len)
{
	struct err e;
	if (buf_append(out, text, len, &e) < 0)
		mem_exhausted();
}

void status_text_add(struct buf *out, const char *text)
{
	add_bytes(out, text, strlen(text));
}

static const struct special *special_at(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
		if (strncmp(text, specials[i].text, strlen(specials[i].text)) == 0)
			return &specials[i];
	}
	return NULL;
}

void status_text_quote(struct buf *out, const char *text)
{
	AUTO(buf_fini) struct buf quoted = STATUS_TEXT_INIT;
	struct err e;
	if (json_quote(&quoted, text, &e) < 0)
		mem_exhausted();
	const char *at = buf_cstr(&quoted);
	while (*at != '\0') {
		size_t plain = strcspn(at, "<>&\xe2");
		add_bytes(out, at, plain);
		at += plain;
		if (*at == '\0')
			break;
		const struct special *special = special_at(at);
		if (special != NULL)
			status_text_add(out, special->escaped);
		else
			add_bytes(out, at, 1);
		at += special != NULL ? strlen(special->text) : 1;
	}
}

void status_text_address(struct buf *out, const struct ipaddr *addr)
{
	char text[IPADDR_TEXT_MAX];
	status_text_quote(out, ipaddr_format(addr, text));
}

void status_text_ports(struct buf *out, const struct egress_port *ports, size_t count)
{
	status_text_add(out, "[");
	for (size_t i = 0; i < count; i++) {
		char numbers[64];
		snprintf(numbers, sizeof(numbers), ",\"matchPort\":%u,\"targetPort\":%u}",
			ports[i].match, ports[i].target);
		status_text_add(out, i > 0 ? ",{\"protocol\":" : "{\"protocol\":");
		status_text_quote(out, ports[i].protocol);
		status_text_add(out, numbers);
	}
	status_text_add(out, "]");
}
