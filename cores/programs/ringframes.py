"""Dead cycles through what is suspended: generators, coroutines, frames and tracebacks. Importing
this adds them to ringmakers.MAKERS.

Runs on Python 2.7 and 3.6 or newer.
"""

import sys

from ringmakers import PY3, Plain, ring


@ring("generator")
def generator():
    def walk(held):
        yield 1
        yield held
    held = []
    one = walk(held)
    next(one)
    held.append(one)
    return [held, one]


@ring("generator, not started")
def generator_unstarted():
    def walk(held):
        try:
            yield held
        finally:
            held.append(1)
    held = []
    held.append(walk(held))
    return [held, held[0]]


@ring("generator, ended")
def generator_ended():
    def walk(held):
        yield held
    held = []
    one = walk(held)
    list(one)
    wrapper = Plain(one)
    wrapper.me = wrapper
    return [wrapper, one]


@ring("generator in finally", "generator" if PY3 else "legacy generator")
def generator_in_finally():
    def walk(held):
        try:
            yield held
        finally:
            held.append(1)
    held = []
    one = walk(held)
    next(one)
    held.append(one)
    return [held, one]


@ring("generator in for")
def generator_in_for():
    """Holds an iterator on its stack."""
    def walk(held):
        for one in held:
            yield one
    held = [1, 2]
    one = walk(held)
    next(one)
    held.append(one)
    return [held, one]


@ring("generator in a call")
def generator_in_call():
    """Holds operands on its stack, which 3.14 borrows from its locals."""
    def walk(held, more):
        more.append([held, len, (yield held)])
        held.index(more, (yield 1))
    held, more = [], []
    one = walk(held, more)
    next(one)
    held.extend([one, more])
    return [held, one, more]


@ring("generator expression")
def generator_expression():
    held = [1, 2, 3]
    one = ((number, held) for number in held for _ in (1, 2))
    next(one)
    held.append(one)
    return [held, one]


if PY3:
    exec(compile("""
def delegating(held):
    yield from delegated(held)

def delegated(held):
    yield held
    yield held

@ring("generator in yield from")
def generator_in_yield_from():
    held = []
    one = delegating(held)
    next(one)
    held.append(one)
    return [held, one]

class Wait:
    def __init__(self, held):
        self.held = held
    def __await__(self):
        yield self.held

async def waiting(held):
    await Wait(held)

async def waiting_in_finally(held):
    try:
        await Wait(held)
    finally:
        held.append(1)

async def walking(held):
    yield held
    await Wait(held)
    yield held

async def looping(held):
    async for one in walking(held):
        await Wait(held)

def started(coroutine):
    coroutine.send(None)
    return coroutine

@ring("coroutine")
def coroutine():
    held = []
    held.append(started(waiting(held)))
    return [held, held[0]]

@ring("coroutine in finally", "coroutine")
def coroutine_in_finally():
    held = []
    held.append(started(waiting_in_finally(held)))
    return [held, held[0]]

@ring("coroutine in async for")
def coroutine_in_async_for():
    held = []
    held.append(started(looping(held)))
    held.append(waiting(held).__await__())
    return [held, held[0], held[1]]

# What asend() and its like give warns of never having been awaited, from 3.13 on.
@ring("async generator", "tp_finalize" if sys.version_info >= (3, 13) else None)
def async_generator():
    held = []
    one = walking(held)
    two = walking(held)
    try:
        one.asend(None).send(None)
    except StopIteration:
        pass
    held.extend([one, two, one.asend(None), two.aclose(), two.athrow(ValueError)])
    return [held, one, two]

@ring("exception chain")
def exception_chain():
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer", inner) from inner
    except ValueError as error:
        held = error
    held.me = held
    return [held, held.__cause__, held.__traceback__]
""", "newer.py", "exec"))


@ring("exception")
def exception():
    def fail(held):
        local = [held]
        raise ValueError("failed", local)
    held = Plain()
    try:
        fail(held)
    except ValueError as error:
        held.error = error
        held.traceback = sys.exc_info()[2]
    return [held, held.error, held.traceback, held.traceback.tb_next.tb_frame]


@ring("frame")
def frame():
    def look(held):
        held.frame = sys._getframe()
        return held
    held = look(Plain())
    return [held, held.frame]


@ring("frame of a closure")
def frame_of_closure():
    def look():
        def inner():
            return held
        held = [sys._getframe(), inner]
        return held
    held = look()
    return [held, held[0]]


@ring("frame locals")
def frame_locals():
    def look():
        here = sys._getframe()
        names = here.f_locals
        return here, names
    here, names = look()
    return [here]
