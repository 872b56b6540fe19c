#include "lib/base/b64.h"

#include <errno.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int b64_encode(const void *data, size_t len, struct buf *out, struct err *e)
{
	const unsigned char *p = data;
	if (len > SIZE_MAX / 4 * 3 - 2)
		return err_set(e, -EMSGSIZE, "more than %zu bytes", out->max);
	int code = buf_reserve(out, (len + 2) / 3 * 4, e);
	if (code < 0)
		return code;
	char *to = out->data + out->len;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)p[i] << 16;
		if (left > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			bits |= p[i + 2];
		*to++ = alphabet[bits >> 18];
		*to++ = alphabet[bits >> 12 & 63];
		*to++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*to++ = left > 2 ? alphabet[bits & 63] : '=';
	}
	*to = '\0';
	out->len += (len + 2) / 3 * 4;
	return 0;
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Decodes a group of four with `pad` signs at its end into to. False when it is invalid. */
static bool decode_group(const char *group, size_t pad, char *to)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pad ? value_of(group[i]) : 0;
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	/* Bits that the padding cuts off must be zero, else two texts mean the same bytes. */
	if ((pad == 1 && (bits & 0xff) != 0) || (pad == 2 && (bits & 0xffff) != 0))
		return false;
	for (size_t i = 0; i < 3 - pad; i++)
		to[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return true;
}

int b64_decode(const char *text, size_t len, struct buf *out, struct err *e)
{
	if (len % 4 != 0)
		return err_set(e, -EINVAL, "base64 of %zu characters, not a multiple of 4", len);
	size_t pad = 0;
	if (len > 0 && text[len - 1] == '=')
		pad = text[len - 2] == '=' ? 2 : 1;
	size_t bytes = len / 4 * 3 - pad;
	int code = buf_reserve(out, bytes, e);
	if (code < 0)
		return code;
	char *to = out->data + out->len;
	for (size_t i = 0; i < len; i += 4) {
		size_t group_pad = i + 4 == len ? pad : 0;
		if (!decode_group(text + i, group_pad, to)) {
			out->data[out->len] = '\0';
			return err_set(e, -EINVAL, "bad base64 at offset %zu", i);
		}
		to += 3 - group_pad;
	}
	*to = '\0';
	out->len += bytes;
	return 0;
}
