#include "lib/localapi/names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* Length without a trailing dot; 0 for an invalid name. */
static size_t usable_length(const char *text)
{
	size_t len = strlen(text);
	if (len > 0 && text[len - 1] == '.')
		len--;
	return len <= NAMES_TEXT_MAX ? len : 0;
}

bool names_is_usable(const char *text)
{
	return usable_length(text) > 0;
}

size_t names_fold(const char *text, char out[static NAMES_TEXT_MAX])
{
	size_t len = usable_length(text);
	for (size_t i = 0; i < len; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	return len;
}

static int compare(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->text, y->text, x->len);
}

void names_fini(struct names *n)
{
	for (size_t i = 0; i < n->len; i++)
		free(n->items[i].text);
	free(n->items);
	*n = (struct names){0};
}

void names_set(struct names *n, const struct strv *list)
{
	char folded[NAMES_TEXT_MAX];
	struct names set = {0};
	if (list->len > 0)
		set.items = xcalloc(list->len, sizeof(*set.items));
	for (size_t i = 0; i < list->len; i++) {
		size_t len = names_fold(list->items[i], folded);
		if (len > 0)
			set.items[set.len++] = (struct name){xstrndup(folded, len), len};
	}
	if (set.len > 1)
		qsort(set.items, set.len, sizeof(*set.items), compare);
	size_t kept = 0;
	for (size_t i = 0; i < set.len; i++) {
		if (kept > 0 && compare(&set.items[kept - 1], &set.items[i]) == 0)
			free(set.items[i].text);
		else
			set.items[kept++] = set.items[i];
	}
	set.len = kept;
	names_fini(n);
	*n = set;
}

bool names_equal(const struct names *a, const struct names *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (compare(&a->items[i], &b->items[i]) != 0)
			return false;
	}
	return true;
}

ptrdiff_t names_find(const struct names *n, const char *text)
{
	char folded[NAMES_TEXT_MAX];
	if (n->len == 0)
		return -1;
	struct name key = {folded, names_fold(text, folded)};
	const struct name *found = bsearch(&key, n->items, n->len, sizeof(*n->items), compare);
	return found != NULL ? found - n->items : -1;
}
