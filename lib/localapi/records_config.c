/*
 * Extra DNS records out of the answer to `GET dns-config`: see lib/localapi/records.h.
 */
#include <errno.h>

#include "lib/base/jscan.h"
#include "lib/base/mem.h"
#include "lib/localapi/ipn_record.h"
#include "lib/localapi/records.h"

/* A name or a value; anything longer is neither. */
#define CAPTURE_MAX 8192

enum rule {
	R_LIST,
	R_RECORD,
	R_NAME,
	R_VALUE,
};

static const struct jscan_rule rules[] = {
	{R_LIST, {"ExtraRecords"}, JSCAN_MARK},
	{R_RECORD, {"ExtraRecords", "*"}, JSCAN_MARK},
	{R_NAME, {"ExtraRecords", "*", "Name"}, JSCAN_VALUE},
	{R_VALUE, {"ExtraRecords", "*", "Value"}, JSCAN_VALUE},
};

struct reading {
	struct records *records_ref; /* NULL to check the text alone */
	struct ipn_record record;    /* the one being read */
	unsigned int documents;
};

static int on_event(void *arg, const struct jscan_event *ev, struct err *e)
{
	struct reading *reading = arg;
	(void)e;
	if (ev->kind == JSCAN_GOT_DOCUMENT)
		reading->documents++;
	if (ev->kind == JSCAN_GOT_DOCUMENT || reading->records_ref == NULL)
		return 0;
	if (ev->kind == JSCAN_GOT_BEGIN && ev->id == R_LIST)
		records_begin(reading->records_ref); /* of repeated keys the last one counts */
	else if (ev->kind == JSCAN_GOT_BEGIN)
		ipn_record_reset(&reading->record);
	else if (ev->kind == JSCAN_GOT_END && ev->id == R_RECORD)
		ipn_record_offer(&reading->record, reading->records_ref);
	else if (ev->id == R_NAME)
		ipn_record_take_name(&reading->record, ev);
	else if (ev->id == R_VALUE)
		ipn_record_take_value(&reading->record, ev);
	return 0;
}

static int read_document(struct reading *reading, const char *text, size_t len, struct err *e)
{
	struct jscan *scan = jscan_new(rules, ARRAY_LEN(rules), CAPTURE_MAX, on_event, reading);
	int code = jscan_feed(scan, text, len, e);
	if (code == 0)
		code = jscan_finish(scan, e);
	if (code == 0 && reading->documents != 1)
		code = err_set(e, -EINVAL, "more than one JSON document");
	jscan_free(scan);
	ipn_record_fini(&reading->record);
	return code;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

int records_from_dns_config(struct records *r, const char *text, size_t len, struct err *e)
{
	struct reading reading = {.records_ref = records_is_open(r) ? NULL : r};
	for (; len > 0 && is_space(text[0]); len--)
		text++;
	while (len > 0 && is_space(text[len - 1]))
		len--;
	if (jscan_is_null(text, len))
		return 0;
	if (len == 0 || text[0] != '{')
		return err_set(e, -EINVAL, "dns-config: no JSON object");
	if (reading.records_ref != NULL)
		records_begin(r);
	int code = read_document(&reading, text, len, e);
	if (reading.records_ref == NULL)
		return code < 0 ? err_wrap(e, "dns-config") : 0;
	if (code < 0) {
		records_cancel(r);
		return err_wrap(e, "dns-config");
	}
	records_end(r);
	return 0;
}
