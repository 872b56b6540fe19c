#include "lib/localapi/records.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/localapi/names.h"

struct list {
	struct ipaddr *items;
	size_t len, cap;
};

/* The addresses of one name, and those it will have when the current replacement is complete. */
struct record {
	struct list now, next;
};

struct records {
	struct names names;
	struct record *items; /* one per name, in the order of names */
	bool is_open;         /* between begin and end */
	uint64_t generation;
};

struct records *records_new(void)
{
	return xcalloc(1, sizeof(struct records));
}

static void record_fini(struct record *record)
{
	free(record->now.items);
	free(record->next.items);
	*record = (struct record){0};
}

void records_free(struct records *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->names.len; i++)
		record_fini(&r->items[i]);
	free(r->items);
	names_fini(&r->names);
	free(r);
}

bool records_want(struct records *r, const struct strv *names)
{
	struct names wanted = {0};
	names_set(&wanted, names);
	if (names_equal(&wanted, &r->names)) {
		names_fini(&wanted);
		return false;
	}
	struct record *items = xcalloc(wanted.len + 1, sizeof(*items));
	bool lost = false;
	for (size_t i = 0; i < r->names.len; i++) {
		ptrdiff_t at = names_find(&wanted, r->names.items[i].text);
		if (at >= 0) {
			items[at] = r->items[i];
			continue;
		}
		lost = lost || r->items[i].now.len > 0;
		record_fini(&r->items[i]);
	}
	if (lost)
		r->generation++;
	free(r->items);
	names_fini(&r->names);
	r->items = items;
	r->names = wanted;
	return true;
}

bool records_wants_any(const struct records *r)
{
	return r->names.len > 0;
}

void records_begin(struct records *r)
{
	r->is_open = true;
	for (size_t i = 0; i < r->names.len; i++)
		r->items[i].next.len = 0;
}

void records_offer(struct records *r, const char *name, const struct ipaddr *address)
{
	ptrdiff_t at = r->is_open ? names_find(&r->names, name[0] == '.' ? name + 1 : name) : -1;
	if (at < 0)
		return;
	struct list *list = &r->items[at].next;
	list->items = xgrow(list->items, list->len, &list->cap, 2, sizeof(*list->items));
	list->items[list->len] = *address;
	list->items[list->len++].zone[0] = '\0';
}

static int compare_places(const void *a, const void *b)
{
	const struct ipaddr *const *x = a;
	const struct ipaddr *const *y = b;
	int order = ipaddr_compare(*x, *y);
	return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

/* Drops duplicates, keeping the first. Equal addresses are found by sorting indexes. */
static void drop_repeats(struct list *list)
{
	if (list->len < 2)
		return;
	struct ipaddr **places = xcalloc(list->len, sizeof(struct ipaddr *));
	for (size_t i = 0; i < list->len; i++)
		places[i] = &list->items[i];
	qsort(places, list->len, sizeof(struct ipaddr *), compare_places);
	const struct ipaddr *first = places[0];
	for (size_t i = 1; i < list->len; i++) {
		if (ipaddr_equal(first, places[i]))
			places[i]->family = IPADDR_NONE;
		else
			first = places[i];
	}
	free(places);
	size_t kept = 0;
	for (size_t i = 0; i < list->len; i++) {
		if (list->items[i].family != IPADDR_NONE)
			list->items[kept++] = list->items[i];
	}
	list->len = kept;
}

static bool same_list(const struct list *a, const struct list *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (!ipaddr_equal(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

void records_end(struct records *r)
{
	bool changed = false;
	for (size_t i = 0; r->is_open && i < r->names.len; i++) {
		struct record *record = &r->items[i];
		drop_repeats(&record->next);
		if (!same_list(&record->now, &record->next)) {
			free(record->now.items);
			record->now = record->next;
			changed = true;
		} else {
			free(record->next.items);
		}
		record->next = (struct list){0};
	}
	r->is_open = false;
	if (changed)
		r->generation++;
}

void records_cancel(struct records *r)
{
	for (size_t i = 0; r->is_open && i < r->names.len; i++) {
		free(r->items[i].next.items);
		r->items[i].next = (struct list){0};
	}
	r->is_open = false;
}

bool records_is_open(const struct records *r)
{
	return r->is_open;
}

bool records_lookup(
	const struct records *r, const char *fqdn, const struct ipaddr **addresses, size_t *count)
{
	ptrdiff_t at = names_find(&r->names, fqdn);
	*addresses = at >= 0 ? r->items[at].now.items : NULL;
	*count = at >= 0 ? r->items[at].now.len : 0;
	return *count > 0;
}

uint64_t records_generation(const struct records *r)
{
	return r->generation;
}
