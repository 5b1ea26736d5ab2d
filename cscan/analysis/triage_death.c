#include "analysis/triage.h"
int pl_triage_death(struct pl_triage *t, struct pl_err *err)
{
	(void)t;
	(void)err;
	return 0;
}
