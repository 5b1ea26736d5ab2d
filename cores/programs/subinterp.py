"""Several interpreters in one process: the main one, one with a GIL and an allocator of its own
(3.12+), others that share.

truth.json is of the main interpreter (up to 3.8 of all, as they share one collector); truth-1.json
and tracked-1.bin, truth-2.json and tracked-2.bin (3.9+) of the others.
"""

import ctypes
import os
import sys

import truth

HERE = os.path.dirname(os.path.abspath(__file__))
INNER = [100, 200]


class Outer(object):
    pass


def by_module():
    """Make two interpreters; (number, source) -> None runs source in one of them.  3.8 or newer."""
    try:
        import _interpreters as api
    except ImportError:
        import _xxsubinterpreters as api
    if sys.version_info >= (3, 13):
        made = [api.create("isolated"), api.create("legacy")]
    elif sys.version_info >= (3, 12):
        made = [api.create(isolated=True), api.create(isolated=False)]
    else:
        made = [api.create(), api.create()]

    def run(number, source):
        error = api.run_string(made[number - 1], source)
        if error is not None:
            raise RuntimeError(error)
    return run


def by_hand():
    """The same through the C API, for versions without a module for it.

    The Python frame that calls Py_NewInterpreter goes on under the new thread state until it swaps
    its own back, which harms nothing as long as the GIL is not handed over: 2.7 does that every so
    often even with no other thread, so it is told not to."""
    if sys.version_info < (3,):
        sys.setcheckinterval(10 ** 9)
        for _ in range(1000):
            pass
    api = ctypes.pythonapi
    api.PyThreadState_Swap.restype = ctypes.c_void_p
    api.PyThreadState_Swap.argtypes = [ctypes.c_void_p]
    api.PyThreadState_Get.restype = ctypes.c_void_p
    api.Py_NewInterpreter.restype = ctypes.c_void_p
    mine = api.PyThreadState_Get()
    made = []
    for _ in INNER:
        state = api.Py_NewInterpreter()
        api.PyThreadState_Swap(mine)
        made.append(state)

    def run(number, source):
        text = source.encode("ascii")
        api.PyThreadState_Swap(made[number - 1])
        status = api.PyRun_SimpleString(text)
        api.PyThreadState_Swap(mine)
        if status != 0:
            raise RuntimeError("interpreter %d: see stderr" % number)
    return run


RUN = by_module() if sys.version_info >= (3, 8) else by_hand()
KEPT = [Outer() for _ in range(50)]
for number, count in enumerate(INNER, 1):
    RUN(number,
        "import sys; sys.path.insert(0, %r); import inside; inside.fill(%d)" % (HERE, count))

truth.die(known={"types": {"__main__.Outer": 50, "inside.Inner": sum(INNER)}, "interpreters": 3,
                 "inner": INNER},
          also=[lambda: RUN(1, "inside.take(1)"),
                lambda: RUN(2, "inside.take(2)")] if sys.version_info >= (3, 9) else [])
