/*
 * err.h - how an operation fails.
 *
 * An operation returns 0 or one of the negative codes below and then has filled the caller's
 * struct pl_err; on success it leaves it untouched. A wrong byte in the core is not an error in
 * this sense: it is data, answered with false or "unknown" and counted where it was met.
 */
#ifndef PL_ERR_H
#define PL_ERR_H

#include "base/base.h"

enum pl_err_code {
	PL_OK = 0,
#define PL_ERROR(name, status, hint) PL_E_AFTER_##name,
	PL_E_ORDER_START = 0,
#include "base/errors.def"
#undef PL_ERROR
};

enum {
#define PL_ERROR(name, status, hint) PL_E_##name = -PL_E_AFTER_##name,
#include "base/errors.def"
#undef PL_ERROR
};

struct pl_err {
	int code;       /* PL_E_..., 0 while nothing failed */
	pl_addr addr;   /* address in the core the fault is about, or 0 */
	char text[480]; /* one line, no newline, no control characters */
	char hint[240]; /* what to try, may be empty */
};

/* Fill *err (may be NULL) with a formatted line and the code's default hint; returns code. */
int pl_err_set(struct pl_err *err, int code, const char *fmt, ...) PL_PRINTF(3, 4);
/* The same, with " (strerror(errnum))" behind the text. */
int pl_err_errno(struct pl_err *err, int code, int errnum, const char *fmt, ...) PL_PRINTF(4, 5);
/* Replace the hint of an error just set in *err (may be NULL). */
void pl_err_hint(struct pl_err *err, const char *fmt, ...) PL_PRINTF(2, 3);
/* The exit status of the contract that goes with a code (0 for 0, 70 for an unknown one). */
int pl_err_exit_status(int code);

#endif
