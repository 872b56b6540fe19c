#include "controller/domain.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"

#define FILE_PATH "/etc/resolv.conf"
#define FILE_MAX (64u * 1024)
#define SERVICES "svc."

/* The domain that a line of the file has; NULL for any other line. */
static char *domain_of_line(const char *line)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(line, &words);
	if (words.len == 0 || strcmp(words.items[0], "search") != 0)
		return NULL;
	for (size_t i = 1; i < words.len; i++) {
		const char *word = words.items[i];
		size_t len = strlen(word);
		if (!str_starts(word, SERVICES) || len == strlen(SERVICES))
			continue;
		len -= word[len - 1] == '.' ? 1 : 0;
		return xstrndup(word + strlen(SERVICES), len - strlen(SERVICES));
	}
	return NULL;
}

char *domain_parse(const char *resolv_conf)
{
	AUTO(strv_fini) struct strv lines = {0};
	char *domain = NULL;
	str_split(resolv_conf, '\n', &lines);
	for (size_t i = 0; i < lines.len; i++) {
		char *found = domain_of_line(lines.items[i]);
		/* Of several search lists the last one counts. */
		if (found == NULL)
			continue;
		mem_free(&domain);
		domain = found;
	}
	return domain;
}

char *domain_of_cluster(const char *configured)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX);
	struct err ignored;
	if (configured[0] != '\0')
		return xstrdup(configured);
	char *domain = atomicfile_read(FILE_PATH, &text, &ignored) == 0
			       ? domain_parse(buf_cstr(&text))
			       : NULL;
	return domain != NULL ? domain : xstrdup(DOMAIN_FALLBACK);
}
