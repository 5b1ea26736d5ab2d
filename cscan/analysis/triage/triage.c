/*
 * triage.c - `triage`: all of it for a machine, in order of value: the parts, and what was left
 * out.
 */
#include "analysis/triage/triage.h"

#include <inttypes.h>

#include "analysis/death/death.h"
#include "analysis/triage/watchdog.h"

static const struct pl_column verdict_columns[] = {
	{.name = "verdict", .align = PL_LEFT},
	{.name = "confidence", .align = PL_LEFT},
	{.name = "summary", .align = PL_LEFT, .below = true},
};
static const struct pl_column evidence_columns[] = {
	{.name = "kind", .align = PL_LEFT},
	{.name = "text", .align = PL_LEFT, .below = true},
	{.name = "analysis", .align = PL_LEFT},
	{.name = "confidence", .align = PL_LEFT},
};
static const struct pl_column signature_columns[] = {
	{.name = "kind", .align = PL_LEFT},
	{.name = "value", .align = PL_LEFT},
};
static const struct pl_option options[] = {
	{"values", NULL, NULL,
	 "show values of the program too; what looks like a secret stays masked"},
	{"fail-on", "WHAT", "crash uncollectable damage any", "exit status 1 when this is found"},
	{"budget", "TIME", NULL, "stop after 60s, 5m; what was left out is named"},
	{"max-memory", "SIZE", NULL, "leave out what would take more memory than 512M, 4G"},
	{.name = NULL},
};

/*
 * What the objects with ids, the reference graph both ways and what is found in it take beyond the
 * mapped core: 113 B an object were measured (README, "Speed": `path` on a million objects), and
 * this is the sum that errs on the safe side.
 */
#define GRAPH_BYTES_AN_OBJECT 128

static const struct part {
	const char *name; /* what is left out with it */
	int (*run)(struct pl_triage *t, struct pl_err *err);
	bool graph;          /* needs the reference graph */
	const char *section; /* of the report, that begins with it */
} parts[] = {
	{"which process it was", pl_triage_process, false, "How it died"},
	{"how it died", pl_triage_death, false, NULL},
	{"what fills the memory", pl_triage_memory, true, "What the heap tells"},
	{"dead cycles and references held from C", pl_triage_cycles, true, NULL},
	{"damage of the heap", pl_triage_damage, true, NULL},
	{"which object was freed or traversed", pl_triage_handled, false, NULL},
};

/* Whether a part fits into --max-memory; if not, that is said. An error of the census is for the
 * part itself to meet. */
static bool fits(struct pl_triage *t, const struct part *part, uint64_t most)
{
	struct pl_objects *o;
	struct pl_err err;
	uint64_t need;

	if (!most || !part->graph || pl_session_census(t->session, &o, &err))
		return true;
	need = (uint64_t)o->n * GRAPH_BYTES_AN_OBJECT;
	if (need <= most)
		return true;
	pl_triage_evidence(t, "left-out", NULL,
			   "%s: the reference graph of %zu objects would take about %" PRIu64
			   " MiB, and --max-memory allows %" PRIu64 " MiB",
			   part->name, o->n, (need >> 20) + 1, most >> 20);
	return false;
}

static void no_time(struct pl_triage *t, const struct part *part, const char *how)
{
	pl_triage_evidence(t, "left-out", NULL, "%s: %s --budget was used up", part->name, how);
}

static int run_parts(struct pl_triage *t, uint64_t max_memory, struct pl_watchdog *dog,
		     struct pl_err *err)
{
	for (size_t i = 0; i < PL_ARRAY_LEN(parts); i++) {
		struct pl_err why = {0};
		int rc;

		if (parts[i].section)
			pl_result_section(t->ret, parts[i].section);
		if (t->deadline && pl_watchdog_now() > t->deadline) {
			no_time(t, &parts[i], "not begun, as the");
			continue;
		}
		rc = fits(t, &parts[i], max_memory) ? parts[i].run(t, &why) : 0;
		if (rc == PL_E_CANCELLED && pl_watchdog_fired(dog)) {
			no_time(t, &parts[i], "not finished when the");
		} else if (rc == PL_E_CANCELLED) {
			*err = why;
			return rc;
		} else if (rc) {
			pl_triage_evidence(t, "left-out", NULL, "%s could not be told: %s",
					   parts[i].name, why.text);
		}
	}
	return 0;
}

static bool has_row(const struct pl_table *t, const char *first_cell)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		if (!strcmp(t->cells[row * t->n_columns].s, first_cell))
			return true;
	}
	return false;
}

/* A snapshot of a sound process has no other verdict: then say that it was looked for. Where it is
 * not known how it died nothing is said. */
static void put_nothing(struct pl_triage *t)
{
	bool whole = !has_row(t->evidence, "left-out") && !t->ctx->partial;

	if (t->verdict->n_rows != 1 || !has_row(t->verdict, "snapshot"))
		return;
	pl_triage_verdict(t, "nothing-found", whole ? PL_LIKELY : PL_POSSIBLE,
			  "no crash, no leak and no damage of the heap was found%s",
			  whole ? "" : " in what could be looked at");
}

/* Statuses are for what was asked: everything is found, little of it fails. */
static bool fails(const struct pl_triage *t, const char *on)
{
	static const struct {
		const char *name;
		unsigned bits;
	} kinds[] = {{"crash", PL_FOUND_CRASH},
		     {"uncollectable", PL_FOUND_UNCOLLECTABLE},
		     {"damage", PL_FOUND_DAMAGE},
		     {"any", ~0u}};

	for (size_t i = 0; on && i < PL_ARRAY_LEN(kinds); i++) {
		if (!strcmp(on, kinds[i].name))
			return t->found & kinds[i].bits;
	}
	return false;
}

static int run(struct pl_session *session, const struct pl_args *args, struct pl_result *ret,
	       struct pl_err *err)
{
	struct pl_triage t = {.session = session, .ctx = pl_session_ctx(session), .ret = ret};
	const struct pl_layout *layout;
	struct pl_image *im;
	uint64_t budget = 0, max_memory = 0;
	struct pl_watchdog *dog;
	int rc;

	t.values = pl_args_get(args, "values") != NULL;
	ret->redacted = !t.values;
	rc = pl_args_time(args, "budget", &budget, err);
	if (!rc)
		rc = pl_args_bytes(args, "max-memory", &max_memory, err);
	if (!rc)
		rc = pl_session_image(session, &im, err);
	/* Of a process without Python there is nothing to say that others do not say better. */
	if (!rc)
		rc = pl_session_layout(session, &layout, err);
	if (rc)
		return rc;
	t.deadline = budget ? pl_watchdog_now() + budget : 0;
	t.verdict = pl_result_table(ret, "verdict", verdict_columns, PL_ARRAY_LEN(verdict_columns));
	t.evidence =
		pl_result_table(ret, "evidence", evidence_columns, PL_ARRAY_LEN(evidence_columns));
	t.signature = pl_result_table(ret, "signature", signature_columns,
				      PL_ARRAY_LEN(signature_columns));
	dog = pl_watchdog_start(t.ctx, t.deadline);
	rc = run_parts(&t, max_memory, dog, err);
	pl_watchdog_stop(dog);
	pl_death_free(t.death);
	if (!rc)
		put_nothing(&t);
	ret->finding = fails(&t, pl_args_get(args, "fail-on"));
	return rc;
}

const struct pl_analysis pl_analysis_triage = {
	.name = "triage",
	.arguments = "",
	.summary = "what happened, in one report for people and machines: verdict, evidence, "
		   "signature",
	.help = "verdict    what is believed to have happened, and how sure that is\n"
		"evidence   why, and the analysis that shows the rest\n"
		"signature  the same for the same death: independent of addresses, runs and "
		"machines",
	.example = "--format json --fail-on crash",
	.options = options,
	.own_rows = true,
	.run = run,
};
