/*
 * triage_process.c - which process it was, and how much of it the core holds: what every other
 * statement rests on.
 */
#include "analysis/triage/triage.h"

#include <stdio.h>

#include "base/say.h"

#define MAX_COMMAND 96 /* the kernel keeps 80 bytes of the command line */

static void put_process(struct pl_triage *t, const struct pl_core_info *info,
			const struct pl_layout *l)
{
	char command[MAX_COMMAND];
	size_t shown = t->values ? strlen(info->command) : strcspn(info->command, " ");

	snprintf(command, sizeof(command), "%.*s%s", (int)shown, info->command,
		 info->command[shown] ? " ..." : "");
	pl_triage_evidence(t, "process", "info",
			   "process %u ran %s: CPython %s, %s build%s%s, read by a layout from %s",
			   info->pid, *command ? command : "an unknown command", l->version,
			   l->flavour & PL_PYDEBUG ? "debug" : "release",
			   l->flavour & PL_TRACE_REFS ? " with trace-refs" : "",
			   l->flavour & PL_FREE_THREADED ? ", free-threaded" : "",
			   pl_source_name(l->best));
}

/* ELF files that were mapped; how many of them are not at hand, and the first of these. */
static size_t missing_files(const struct pl_image *im, size_t *n_elf, const char **first)
{
	size_t n, missing = 0;
	const struct pl_module *m = pl_image_modules(im, &n);

	*n_elf = 0;
	for (size_t i = 0; i < n; i++) {
		if (m[i].state == PL_MODULE_NOT_ELF)
			continue;
		++*n_elf;
		if (m[i].state == PL_MODULE_MATCHED || m[i].state == PL_MODULE_UNCHECKED)
			continue;
		if (!missing++)
			*first = m[i].path;
	}
	return missing;
}

/* Memory that only the process could write is in the core or nowhere: that is what counts. */
static void put_coverage(struct pl_triage *t, const struct pl_image *im,
			 const struct pl_core_info *info)
{
	const struct pl_mapping *m;
	uint64_t writable = 0, present = 0;
	const char *first = NULL;
	size_t n, n_elf, missing = missing_files(im, &n_elf, &first);

	m = pl_image_mappings(im, &n);
	for (size_t i = 0; i < n; i++) {
		if (!(m[i].prot & PL_PROT_WRITE))
			continue;
		writable += m[i].hi - m[i].lo;
		present += m[i].present;
	}
	pl_triage_evidence(t, "coverage", "info",
			   "the core holds %s of %s of writable memory%s%s%s",
			   present == writable ? "all" : PL_SIZE(present), PL_SIZE(writable),
			   info->truncated ? "; it is cut off, and " : "",
			   info->truncated ? PL_SIZE(info->missing_bytes) : "",
			   info->truncated ? " are missing" : "");
	if (missing)
		pl_triage_evidence(
			t, "coverage", "info",
			"of %zu mapped programs and libraries %zu are not at hand, %s "
			"first of all: their functions have no names, and stacks may end "
			"in them",
			n_elf, missing, first);
}

int pl_triage_process(struct pl_triage *t, struct pl_err *err)
{
	const struct pl_layout *l;
	struct pl_image *im;
	int rc = pl_session_image(t->session, &im, err);

	if (!rc)
		rc = pl_session_layout(t->session, &l, err);
	if (rc)
		return rc;
	put_process(t, pl_image_info(im), l);
	put_coverage(t, im, pl_image_info(im));
	return 0;
}
