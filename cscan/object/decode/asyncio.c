/*
 * asyncio.c - futures and tasks of asyncio's C accelerator. Facts: Modules/_asynciomodule.c.
 */
#include "object/decode/decode.h"

void pl_decode_future(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.future_loop, ".get_loop()", true);
	pl_put_member(d, d->l->f.future_callback0, "<callback>", true);
	pl_put_member(d, d->l->f.future_context0, "<callback context>", true);
	pl_put_member(d, d->l->f.future_callbacks, "._callbacks", true);
	pl_put_member(d, d->l->f.future_result, ".result()", true);
	pl_put_member(d, d->l->f.future_exception, ".exception()", true);
	pl_put_member(d, d->l->f.future_exception_tb, "<traceback>", true);
	pl_put_member(d, d->l->f.future_source_tb, "._source_traceback", true);
	pl_put_member(d, d->l->f.future_cancel_msg, "._cancel_message", true);
	pl_put_member(d, d->l->f.future_cancelled_exc, "<cancelled error>", true);
	pl_put_member(d, d->l->f.future_cancelled_type, "<cancelled error type>", true);
	pl_put_member(d, d->l->f.future_cancelled_value, "<cancelled error>", true);
	pl_put_member(d, d->l->f.future_cancelled_tb, "<cancelled error traceback>", true);
	pl_put_member(d, d->l->f.future_awaited_by, "._asyncio_awaited_by", true);
}

void pl_decode_task(const struct pl_decode *d)
{
	pl_decode_future(d);
	pl_put_member(d, d->l->f.task_context, ".get_context()", true);
	pl_put_member(d, d->l->f.task_coro, ".get_coro()", true);
	pl_put_member(d, d->l->f.task_name, ".get_name()", true);
	pl_put_member(d, d->l->f.task_waiter, "._fut_waiter", true);
}

void pl_decode_futureiter(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.futureiter_future, "<future>", true);
}

void pl_decode_taskstep(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.taskstep_task, ".__self__", true);
	pl_put_member(d, d->l->f.taskstep_arg, "<argument>", true);
}

void pl_decode_taskwakeup(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.taskwakeup_task, ".__self__", true);
}

/* In a thread's dict, up to 3.11: which loop runs. */
void pl_decode_loopholder(const struct pl_decode *d)
{
	pl_put_member(d, d->l->f.loopholder_loop, "<loop>", false);
}
