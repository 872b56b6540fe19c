/*
 * Answers of a control plane: the first byte chooses the dialect and the size of the pieces, the
 * remaining ones are the answer. As a list it is the same in pieces and whole; as the answer about
 * a key, as an error and as a version, what is read is fit to be used.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/control/control_list.h"
#include "lib/control/control_message.h"
#include "lib/control/control_proxy.h"
#include "lib/control/control_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void on_device(void *arg, const struct control_device *device)
{
	struct strv *lines = arg;
	require(device->id[0] != '\0');
	AUTO(mem_free) char *addresses = strv_join(device->addresses, ",");
	AUTO(mem_free) char *tags = strv_join(device->tags, ",");
	strv_pushf(lines, "%s|%s|%s|%s|%s|%s|%d%d", device->id, device->name, device->hostname,
		device->key_id, addresses, tags, device->is_shared, device->is_online);
}

static int read_list(const struct control_driver *driver, const char *text, size_t size,
	size_t piece, struct strv *lines)
{
	struct err e = {0};
	int code = 0;
	struct control_list *list = control_list_new(driver, on_device, lines);
	for (size_t at = 0; at < size && code == 0; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		code = control_list_feed(list, text + at, len, &e);
	}
	if (code == 0)
		code = control_list_finish(list, &e);
	require(code == 0 || e.msg[0] != '\0');
	require(control_list_count(list) == lines->len);
	control_list_free(list);
	return code;
}

static void check_list(
	const struct control_driver *driver, const char *text, size_t size, size_t piece)
{
	AUTO(strv_fini) struct strv whole = {0};
	AUTO(strv_fini) struct strv pieces = {0};
	int code = read_list(driver, text, size, size > 0 ? size : 1, &whole);
	require(read_list(driver, text, size, piece, &pieces) == code);
	require(strv_equal(&whole, &pieces));
}

static void check_key(const struct control_driver *driver, const char *text, size_t size)
{
	struct err e = {0};
	const char *id;
	const char *key;
	AUTO(json_freep) struct json *answer = json_parse(text, size, &e);
	if (answer == NULL || driver->read_key(answer, &id, &key, &e) < 0) {
		require(e.msg[0] != '\0');
		return;
	}
	require(id[0] != '\0' && key[0] != '\0');
}

static void check_texts(const char *text, size_t size)
{
	char message[CONTROL_MESSAGE_MAX];
	char version[64];
	bool is_json;
	struct err e = {0};
	control_message_read(text, size, message, &is_json);
	control_message_hide_keys(message);
	require(strlen(message) < CONTROL_MESSAGE_MAX && strpbrk(message, "\r\n\t") == NULL);
	require(strstr(message, "tskey-") == NULL && strstr(message, "hskey-") == NULL);
	(void)control_message_has_error(text, size, "invalid_client");
	if (control_version_read(text, size, version, sizeof(version), &e) == 0)
		require(version[0] != '\0' && strpbrk(version, "<> \n") == NULL);
	(void)control_proxy_is_for(text, "api.example.com", 443);
	(void)control_proxy_is_for(text, "10.1.2.3", 443);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const struct control_driver *driver =
		data[0] % 2 == 0 ? &control_v2 : &control_headscale_v1;
	size_t len = size - 1;
	AUTO(mem_free) char *text = xstrndup((const char *)data + 1, len);
	check_list(driver, (const char *)data + 1, len, data[0] / 2 % 16 + 1);
	check_key(driver, (const char *)data + 1, len);
	check_texts(text, strlen(text));
	return 0;
}
