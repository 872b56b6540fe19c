#include "boot/check_report.h"

#include <stdarg.h>

void check_pass(struct check *c, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("ok: ", c->out);
	vfprintf(c->out, fmt, args);
	fputc('\n', c->out);
	va_end(args);
}

void check_fault(struct check *c, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	/* Keeps the order when both go to one terminal. */
	fflush(c->out);
	fputs("error: ", c->err_out);
	vfprintf(c->err_out, fmt, args);
	fputc('\n', c->err_out);
	va_end(args);
	c->faults++;
}
