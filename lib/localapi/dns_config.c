#include "lib/localapi/dns_config.h"

#include <errno.h>

#include "lib/base/buf.h"
#include "lib/base/jscan.h"
#include "lib/base/mem.h"
#include "lib/localapi/ipn_record.h"
#include "lib/localapi/ipnbus.h"
#include "lib/localapi/records.h"

/* A name or a value; anything longer is not valid. */
#define CAPTURE_MAX 8192

enum rule {
	R_DOMAINS,
	R_DOMAIN,
	R_RECORDS,
	R_RECORD,
	R_NAME,
	R_VALUE,
};

static const struct jscan_rule rules[] = {
	{R_DOMAINS, {"CertDomains"}, JSCAN_MARK},
	{R_DOMAIN, {"CertDomains", "*"}, JSCAN_VALUE},
	{R_RECORDS, {"ExtraRecords"}, JSCAN_MARK},
	{R_RECORD, {"ExtraRecords", "*"}, JSCAN_MARK},
	{R_NAME, {"ExtraRecords", "*", "Name"}, JSCAN_VALUE},
	{R_VALUE, {"ExtraRecords", "*", "Value"}, JSCAN_VALUE},
};

struct reading {
	struct records *records_ref; /* NULL to skip them */
	struct ipn_record record;    /* the one being read */
	struct strv domains;
	unsigned int documents;
};

static void read_domain(struct reading *reading, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf domain = BUF_INIT(CAPTURE_MAX);
	struct err ignored;
	if (!ev->truncated && reading->domains.len < IPN_CERT_DOMAINS_MAX &&
		jscan_unquote(ev->text, ev->len, &domain, &ignored) == 0)
		strv_push(&reading->domains, buf_cstr(&domain));
}

static void on_begin(struct reading *reading, int id)
{
	/* Of duplicate keys the last one counts. */
	if (id == R_DOMAINS)
		strv_reset(&reading->domains);
	else if (id == R_RECORDS && reading->records_ref != NULL)
		records_begin(reading->records_ref);
	else if (id == R_RECORD)
		ipn_record_reset(&reading->record);
}

static void on_value(struct reading *reading, const struct jscan_event *ev)
{
	if (ev->id == R_DOMAIN)
		read_domain(reading, ev);
	else if (ev->id == R_NAME)
		ipn_record_read_name(&reading->record, ev);
	else
		ipn_record_read_value(&reading->record, ev);
}

static int on_event(void *arg, const struct jscan_event *ev, struct err *e)
{
	struct reading *reading = arg;
	(void)e;
	switch (ev->kind) {
	case JSCAN_GOT_VALUE:
		on_value(reading, ev);
		break;
	case JSCAN_GOT_BEGIN:
		on_begin(reading, ev->id);
		break;
	case JSCAN_GOT_END:
		if (ev->id == R_RECORD && reading->records_ref != NULL)
			ipn_record_offer(&reading->record, reading->records_ref);
		break;
	case JSCAN_GOT_DOCUMENT:
		reading->documents++;
		break;
	}
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
	return code < 0 ? err_wrap(e, "dns-config") : 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

int dns_config_read(const char *text, size_t len, struct records *records,
	struct strv *cert_domains, struct err *e)
{
	/* While a status is being read, which will replace them, records are skipped. */
	bool reads_records = records != NULL && !records_is_open(records);
	struct reading reading = {.records_ref = reads_records ? records : NULL};
	for (; len > 0 && is_space(text[0]); len--)
		text++;
	while (len > 0 && is_space(text[len - 1]))
		len--;
	if (jscan_is_null(text, len))
		return 0;
	if (len == 0 || text[0] != '{')
		return err_set(e, -EINVAL, "dns-config: no JSON object");
	if (reads_records)
		records_begin(records);
	int code = read_document(&reading, text, len, e);
	if (reads_records && code < 0)
		records_cancel(records);
	else if (reads_records)
		records_end(records);
	if (code == 0 && cert_domains != NULL)
		strv_copy(cert_domains, &reading.domains);
	strv_fini(&reading.domains);
	return code;
}

int records_from_dns_config(struct records *r, const char *text, size_t len, struct err *e)
{
	return dns_config_read(text, len, r, NULL, e);
}
