#include "lib/io/fetch_internal.h"

#include <errno.h>
#include <string.h>

#include "lib/base/mem.h"

/* The kind of failure. The text of the reason comes from libcurl or the kernel. */
enum failure_kind {
	FAILURE_CONNECT, /* the errno of connect, else ECONNREFUSED */
	FAILURE_CUT,     /* the connection broke: ECONNRESET */
	FAILURE_FIXED,   /* the errno of the row */
};

struct failure_row {
	CURLcode result;
	enum failure_kind kind;
	int code;
	const char *what;
};

static const struct failure_row failure_rows[] = {
	{CURLE_COULDNT_CONNECT, FAILURE_CONNECT, -ECONNREFUSED, "connect"},
	{CURLE_OPERATION_TIMEDOUT, FAILURE_FIXED, -ETIMEDOUT, "connect"},
	{CURLE_GOT_NOTHING, FAILURE_CUT, -ECONNRESET, "connection closed without an answer"},
	{CURLE_PARTIAL_FILE, FAILURE_CUT, -ECONNRESET, "answer cut short"},
	{CURLE_SEND_ERROR, FAILURE_CUT, -ECONNRESET, "send"},
	{CURLE_RECV_ERROR, FAILURE_CUT, -ECONNRESET, "receive"},
	/* A body that is sent once. */
	{CURLE_SEND_FAIL_REWIND, FAILURE_CUT, -ECONNRESET, "connection closed without an answer"},
	{CURLE_ABORTED_BY_CALLBACK, FAILURE_CUT, -ECONNRESET,
		"connection closed without an answer"},
	{CURLE_PEER_FAILED_VERIFICATION, FAILURE_FIXED, -EACCES, "certificate not trusted"},
	{CURLE_SSL_ISSUER_ERROR, FAILURE_FIXED, -EACCES, "certificate not trusted"},
	{CURLE_SSL_CACERT_BADFILE, FAILURE_FIXED, -EINVAL, "CA certificates cannot be used"},
	{CURLE_SSL_CONNECT_ERROR, FAILURE_CUT, -EPROTO, "TLS handshake"},
	{CURLE_HTTP2, FAILURE_CUT, -ECONNRESET, "HTTP/2 connection"},
	{CURLE_HTTP2_STREAM, FAILURE_CUT, -ECONNRESET, "HTTP/2 stream"},
	{CURLE_OUT_OF_MEMORY, FAILURE_FIXED, -ENOMEM, "out of memory"},
};

static const struct failure_row other_failure = {CURLE_OK, FAILURE_FIXED, -EPROTO, "bad answer"};

static const struct failure_row *failure_find(CURLcode result)
{
	for (size_t i = 0; i < ARRAY_LEN(failure_rows); i++) {
		if (failure_rows[i].result == result)
			return &failure_rows[i];
	}
	return &other_failure;
}

static int failure_code(const struct failure_row *row, const struct fetch *fetch, int os_errno)
{
	/* libcurl's code for a header line beyond its own limit of 100 KB. */
	if (row->result == CURLE_OUT_OF_MEMORY && !fetch->has_head)
		return -EMSGSIZE;
	if (row->kind == FAILURE_FIXED)
		return row->code;
	/* Bad chunks are reported as a receive error, too. */
	if (row->result == CURLE_RECV_ERROR && strstr(fetch->reason, "chunked") != NULL)
		return -EPROTO;
	if (row->kind == FAILURE_CUT) {
		bool is_broken = os_errno == ECONNRESET || os_errno == EPIPE;
		return is_broken ? -ECONNRESET : row->code;
	}
	/* No socket file and no listener are the same to callers: the server is not there yet. */
	if (os_errno == 0 || os_errno == ENOENT)
		return row->code;
	return -os_errno;
}

int fetch_classify(struct fetch *fetch, CURLcode result, struct err *e)
{
	if (fetch->failure.code != 0) {
		*e = fetch->failure;
		return e->code;
	}
	/* libcurl counts it as success when the connection ends in the middle of a head. */
	if (result == CURLE_OK && !fetch->has_head)
		return err_set(e, -ECONNRESET, "%s: answer cut short: in its head", fetch->label);
	if (result == CURLE_OK)
		return 0;
	const struct failure_row *row = failure_find(result);
	long os_errno = 0;
	curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &os_errno);
	int code = failure_code(row, fetch, (int)os_errno);
	const char *reason = fetch->reason[0] != '\0' ? fetch->reason : curl_easy_strerror(result);
	if (row->kind == FAILURE_CONNECT && os_errno != 0)
		err_set_errno(e, -(int)os_errno, "%s: %s", fetch->label, row->what);
	else
		err_set(e, code, "%s: %s: %s", fetch->label, row->what, reason);
	e->code = code;
	return code;
}

int fetch_status_code(int status)
{
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 409:
	case 410:
	case 412:
		return -ESTALE;
	case 422:
		return -EINVAL;
	case 408:
	case 429:
		return -EAGAIN;
	default:
		return status >= 500 ? -EAGAIN : -EPROTO;
	}
}
