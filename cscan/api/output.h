/*
 * output.h - where a printed result goes: to memory, a descriptor, or a file that is there whole or
 * not at all.
 */
#ifndef PL_OUTPUT_H
#define PL_OUTPUT_H

#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"

struct pl_output {
	FILE *stream; /* to write into; NULL: not open */
	char *text;   /* of memory: what was written, after a flush; to be freed */
	size_t len;
	/* The rest is output.c's. */
	bool memory;
	int fd;      /* -1: not open yet */
	bool slow;   /* a reader at the other end may be slow: a pipe, a terminal, a socket */
	size_t most; /* bytes of one write */
	const char *path;
	char *target, *temp; /* the file that path leads to; the one that is to take its place */
	mode_t mode;
	const atomic_bool *stop;
	int failed; /* errno of the first write that failed */
};

/*
 * Into a file if path is not NULL (made at the first write; an old one is replaced at the end; a
 * device or a pipe is written directly), else to fd if that is not 0, else into memory. Who sets
 * *stop ends a wait for a slow reader. False: no memory.
 */
bool pl_output_open(struct pl_output *o, const char *path, int fd, const atomic_bool *stop);
/* Close, and put a file in its place when all of it is written; on a failure *err says why. */
int pl_output_end(struct pl_output *o, struct pl_err *err);
/* PL_E_IO, and *err says what was refused; PL_E_CANCELLED where a wait was ended by stop. */
int pl_output_blame(const struct pl_output *o, struct pl_err *err);
/* Close, and leave nothing of a file behind; without effect after pl_output_end(). */
void pl_output_drop(struct pl_output *o);

#endif
