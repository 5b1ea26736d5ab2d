"""What stacks.py needs newer syntax for: make() leaves out what the running version lacks.

The sources are text, so that Python 2.7 can read this file.
"""

import sys

import census

LOOPS = []

SINCE_3 = '''
import asyncio, types

def delegating(limit):
    result = yield from counting(limit)
    return result

def counting(limit):
    for number in range(limit):
        yield number
    return limit

def waiting_in_yield_from():
    def inner():
        wait()
        yield 1
    def outer():
        yield from inner()
    for _ in outer():
        pass

def chained():
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("caused") from error
    except ValueError:
        try:
            try:
                raise OSError(2, "third")
            except OSError:
                raise RuntimeError("on purpose") from None
        except RuntimeError:
            handles("chained")
            wait()

def keyword_only(*, first=1, second: int = 2, **rest):
    nonlocal_one = 1
    def inner():
        nonlocal nonlocal_one
        nonlocal_one += 1
        wait()
    inner()

@types.coroutine
def pause():
    held = ["paused"]
    yield held

async def leaf(number):
    async with Manager():
        await pause()

class Manager:
    async def __aenter__(self):
        return self
    async def __aexit__(self, *why):
        pass

async def trunk(number):
    return await leaf(number)

async def numbers():
    for number in range(3):
        yield number
        await pause()

async def over_numbers():
    async for number in numbers():
        if number:
            break

async def never():
    pass

def running_coroutine():
    async def outer():
        await inner()
    async def inner():
        wait()
    outer().send(None)

generators = [delegating(3) for _ in range(3)]
for place, one in enumerate(generators):
    for _ in range(place):
        next(one)
coroutines = [trunk(1), trunk(2), over_numbers(), never()]
for one in coroutines[1:3]:
    one.send(None)
iterated = numbers()
try:
    iterated.__anext__().send(None)
except StopIteration:
    pass
wrapper = trunk(3).__await__()
next(wrapper)

async def worker(event, depth):
    if depth:
        return await worker(event, depth - 1)
    return await event.wait()

async def of_task(task):
    return await task

async def gathering(tasks):
    return await asyncio.gather(*tasks)

async def sleeping():
    await asyncio.sleep(3600)

async def reading(agen):
    async for item in agen:
        print(item)

async def slow():
    yield 1
    await asyncio.sleep(3600)
    yield 2

async def all_of_them(loop):
    event = asyncio.Event()
    tasks = [loop.create_task(worker(event, depth)) for depth in range(4)]
    tasks.append(loop.create_task(of_task(tasks[0])))
    tasks.append(loop.create_task(gathering(tasks[1:3])))
    tasks.append(loop.create_task(sleeping()))
    tasks.append(loop.create_task(reading(slow())))
    if hasattr(tasks[0], "set_name"):
        tasks[0].set_name("the first worker")
        tasks[3].set_name("na\\xefve")
    done = loop.create_task(never())
    await done
    kept.append((tasks, done))
    LOOPS.append(loop)
    loop.call_later(0.1, wait_no_more)
    await asyncio.sleep(3600)

def wait_no_more():
    READY.release()

kept = []
def event_loop():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(all_of_them(loop))

threads = [waiting_in_yield_from, chained, keyword_only, running_coroutine, event_loop]
'''

SINCE_3_11 = '''
def handling_a_group():
    try:
        raise ExceptionGroup("group", [ValueError(1), TypeError(2)])
    except* ValueError:
        wait()
    except* TypeError:
        pass

threads = [handling_a_group]
'''

SINCE_3_12 = '''
class InlinedComprehension:
    place = "in the class"
    kept = [1]

def inlined():
    place = "outside"
    return [[wait() for other in (1,)] for place in (2,)]

def generic[T](value: T = 1) -> T:
    class Inner[U]:
        kept = wait()
    return value

threads = [inlined, generic]
'''

SINCE_3_14 = '''
def quiet_finally():
    def template(name):
        return t"{wait()} {name}"
    template("x")

threads = [quiet_finally]
'''

SOURCES = [((3, 0), SINCE_3), ((3, 11), SINCE_3_11), ((3, 12), SINCE_3_12), ((3, 14), SINCE_3_14)]


def make(program):
    """The functions that want a thread; program is the module of stacks.py."""
    functions = []
    for since, source in SOURCES:
        if sys.version_info >= since:
            name = "stacks_%d_%d" % since
            namespace = {"__name__": name, "wait": program.wait, "handles": program.handles,
                         "READY": program.READY, "LOOPS": LOOPS}
            exec(compile(source, name + ".py", "exec"), namespace)
            program.KEEP.append(namespace)
            functions.extend(namespace["threads"])
    return functions


def describe_tasks():
    """Rows of stacks.json's "tasks"."""
    asyncio = sys.modules.get("asyncio")
    rows = []
    for loop in LOOPS:
        tasks = asyncio.all_tasks(loop) if hasattr(asyncio, "all_tasks") else \
            [task for task in asyncio.Task.all_tasks(loop) if not task.done()]
        for task in tasks:
            coro = getattr(task, "_coro", None) or task.get_coro()
            rows.append({"address": census.hex_address(id(task)), "coro": census.hex_address(id(coro)),
                         "name": task.get_name() if hasattr(task, "get_name") else None})
    return rows
