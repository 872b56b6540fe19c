#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

/* Larger than the limit, since the end of a sentence says why. */
#define SCRATCH 4096

/* Moves a formatted sentence into e. Formatting goes through a scratch buffer because arguments may
 * point into e->msg. `wanted` is what vsnprintf returned. */
static void store(struct err *e, char *scratch, size_t have)
{
	size_t n = str_shorten(scratch, have, ERR_MSG_MAX - 1);
	memcpy(e->msg, scratch, n);
	e->msg[n] = '\0';
}

static size_t __attribute__((format(printf, 2, 0)))
format(char scratch[static SCRATCH], const char *fmt, va_list args)
{
	int n = vsnprintf(scratch, SCRATCH, fmt, args);
	if (n < 0) {
		scratch[0] = '\0';
		return 0;
	}
	return (size_t)n < SCRATCH ? (size_t)n : SCRATCH - 1;
}

static size_t append(char scratch[static SCRATCH], size_t len, const char *text)
{
	size_t n = strlen(text);
	if (n > SCRATCH - 1 - len)
		n = SCRATCH - 1 - len;
	memcpy(scratch + len, text, n);
	scratch[len + n] = '\0';
	return len + n;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	char scratch[SCRATCH];
	va_list args;
	va_start(args, fmt);
	size_t n = format(scratch, fmt, args);
	va_end(args);
	store(e, scratch, n);
	e->code = code;
	return code;
}

int err_set_errno(struct err *e, int code, const char *fmt, ...)
{
	char scratch[SCRATCH];
	char reason[128];
	va_list args;
	va_start(args, fmt);
	size_t n = format(scratch, fmt, args);
	va_end(args);
	n = append(scratch, n, ": ");
	n = append(scratch, n, strerror_r(-code, reason, sizeof(reason)));
	store(e, scratch, n);
	e->code = code;
	return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char scratch[SCRATCH];
	va_list args;
	va_start(args, fmt);
	size_t n = format(scratch, fmt, args);
	va_end(args);
	n = append(scratch, n, ": ");
	n = append(scratch, n, e->msg);
	store(e, scratch, n);
	return e->code;
}

void err_clear(struct err *e)
{
	e->code = 0;
	e->msg[0] = '\0';
}

bool err_is_transient(int code)
{
	switch (-code) {
	/* The peer is busy, absent, or restarting. */
	case EAGAIN:
	case EINTR:
	case EINPROGRESS:
	case EALREADY:
	case EBUSY:
	case ETIMEDOUT:
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
	/* The network is down. */
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ENETRESET:
	case EADDRNOTAVAIL:
	/* The kernel is short of resources for the moment. */
	case ENOBUFS:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	/* Another writer changed the object first: read it again and repeat. */
	case ESTALE:
		return true;
	default:
		return false;
	}
}
