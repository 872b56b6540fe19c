#include "lib/kube/kube_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/jscan.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_stream.h"

struct kube_page {
	struct kube_call *call;
	struct jscan *scanner;
	struct buf version;
	struct buf next;
	struct kube_page_sink sink;
};

enum member {
	MEMBER_VERSION,
	MEMBER_NEXT,
	MEMBER_ITEM,
};

static const struct jscan_rule rules[] = {
	{.id = MEMBER_VERSION, .path = {"metadata", "resourceVersion"}, .what = JSCAN_VALUE},
	{.id = MEMBER_NEXT, .path = {"metadata", "continue"}, .what = JSCAN_VALUE},
	{.id = MEMBER_ITEM, .path = {"items", "*"}, .what = JSCAN_VALUE},
};

static int on_item(struct kube_page *page, const struct jscan_event *event, struct err *e)
{
	if (event->truncated)
		return err_set(
			e, -EMSGSIZE, "an object of the list exceeds %u bytes", KUBE_OBJECT_MAX);
	AUTO(json_freep) struct json *object = json_parse(event->text, event->len, e);
	if (object == NULL)
		return err_wrap(e, "object of the list");
	return page->sink.on_item(page->sink.arg, object, e);
}

static int on_member(void *arg, const struct jscan_event *event, struct err *e)
{
	struct kube_page *page = arg;
	if (event->kind != JSCAN_GOT_VALUE)
		return 0;
	if (event->id == MEMBER_ITEM)
		return on_item(page, event, e);
	struct buf *out = event->id == MEMBER_VERSION ? &page->version : &page->next;
	buf_reset(out);
	if (event->truncated)
		return err_set(e, -EMSGSIZE, "metadata of the list");
	if (jscan_unquote(event->text, event->len, out, e) < 0)
		return err_wrap(e, "metadata of the list");
	return 0;
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct kube_page *page = arg;
	return jscan_feed(page->scanner, data, len, e);
}

static bool is_inside(void *arg)
{
	const struct kube_page *page = arg;
	return jscan_is_inside(page->scanner);
}

static void page_free(struct kube_page *page)
{
	jscan_free(page->scanner);
	buf_fini(&page->version);
	buf_fini(&page->next);
	free(page);
}

static int finish(struct kube_page *page, struct err *e)
{
	if (jscan_finish(page->scanner, e) < 0)
		return e->code;
	if (page->version.len == 0)
		return err_set(e, -EAGAIN, "the answer is no list: it has no resourceVersion");
	return 0;
}

static void on_end(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct kube_page *page = arg;
	struct err e;
	page->call = NULL;
	if (err == NULL && finish(page, &e) < 0)
		err = &e;
	const struct kube_page_end end = {
		.outcome = kube_outcome(reply, err),
		.version = buf_cstr(&page->version),
		.next = buf_cstr(&page->next),
		.retry_after_ms = reply->retry_after_ms,
	};
	page->sink.on_end(page->sink.arg, &end, err);
	page_free(page);
}

static int append_path(struct buf *path, const struct kube_selection *selection, unsigned int limit,
	const char *next, struct err *e)
{
	char count[16];
	snprintf(count, sizeof(count), "%u", limit > 0 ? limit : KUBE_PAGE_LIMIT);
	bool has_next = next != NULL && next[0] != '\0';
	if (kube_path_append(path, &selection->target, e) < 0 ||
		kube_path_query(path, "labelSelector", selection->label_selector, e) < 0 ||
		kube_path_query(path, "fieldSelector", selection->field_selector, e) < 0 ||
		kube_path_query(path, "limit", count, e) < 0)
		return e->code;
	return kube_path_query(path, "continue", has_next ? next : NULL, e);
}

struct kube_page *kube_page_start(struct kube *k, const struct kube_selection *selection,
	unsigned int limit, const char *next, const struct kube_page_sink *sink, struct err *e)
{
	/* Each byte of a token may be escaped. */
	AUTO(buf_fini) struct buf path = BUF_INIT(KUBE_PATH_MAX + 3 * KUBE_PAGE_TOKEN_MAX);
	if (append_path(&path, selection, limit, next, e) < 0)
		return NULL;
	struct kube_page *page = xcalloc(1, sizeof(*page));
	page->scanner = jscan_new(rules, ARRAY_LEN(rules), KUBE_OBJECT_MAX, on_member, page);
	buf_init(&page->version, KUBE_PATH_MAX);
	buf_init(&page->next, KUBE_PAGE_TOKEN_MAX);
	page->sink = *sink;
	const struct kube_request request = {
		.verb = KUBE_LIST,
		.method = "GET",
		.path = buf_cstr(&path),
		.timeout_ms = KUBE_PAGE_HEAD_MS,
	};
	const struct kube_stream_sink stream = {
		.on_data = on_data,
		.is_inside = is_inside,
		.on_end = on_end,
		.arg = page,
	};
	page->call = kube_stream_start(k, &request, &stream);
	return page;
}

void kube_page_cancel(struct kube_page *page)
{
	if (page == NULL)
		return;
	kube_cancel(page->call);
	page_free(page);
}
