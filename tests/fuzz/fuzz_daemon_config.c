/*
 * The daemon's configuration file: JSON with comments, checked against its schema. The first line
 * of the input, up to a line end, is a file name of the directory it stands in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/config/daemon_config.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct daemon_config_values values = {0};
	const uint8_t *newline = memchr(data, '\n', size);
	size_t name_len = newline != NULL ? (size_t)(newline - data) : 0;
	AUTO(mem_free) char *name = xstrndup((const char *)data, name_len);
	if (daemon_config_version(name) < -1)
		abort();

	size_t start = newline != NULL ? name_len + 1 : 0;
	size_t len = size - start;
	char *text = xmalloc(len + 1);
	memcpy(text, data + start, len);
	text[len] = '\0';
	int r = daemon_config_parse(text, len, &values, &e);
	if (r == 0 && memmem(data + start, len, "alpha0", 6) == NULL &&
		memchr(data + start, '\\', len) == NULL)
		abort();
	if (r < 0 && (e.code != r || *e.msg == '\0' || secret_is_set(&values.authkey) ||
			     *values.netfilter_mode != '\0'))
		abort();
	free(text);
	daemon_config_values_fini(&values);
	return 0;
}
