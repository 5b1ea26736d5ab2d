"""Run inside gdb on a core with DWARF: walk the collector's lists by their symbols, knowing nothing
of pyleak.

Prints one JSON line: a list of {"interpreter": id, "tracked": [addresses of objects, for each of 3
generations], "count": [the three counts], "enabled": bool, or null where the build has optimized it
away}.  Up to 3.8 all interpreters share one collector: one item, with id 0.

Default builds of 2.7 and 3.6 or newer.  The incremental collector of 3.14.0 to 3.14.4 has a young
list and two old ones; for gc.get_objects() both of these are generation 2, and 1 is always empty.
"""

import json

import gdb


def value(expression):
    """The value of an expression, or None if this build does not know it or has optimized it
    away."""
    try:
        result = gdb.parse_and_eval(expression)
    except gdb.error:
        return None
    return None if result.is_optimized_out else result


def walk(head, size):
    """Addresses of the objects on one circular list; size: of a PyGC_Head in bytes."""
    start = int(head.address)
    tagged = "_gc_next" in [member.name for member in head.type.strip_typedefs().fields()]
    node = head
    found = []
    while True:
        address = int(node["_gc_next"] if tagged else node["gc"]["gc_next"]) & ~3
        if address == start:
            return found
        found.append(address + size)
        node = gdb.Value(address).cast(head.type.pointer()).dereference()


def describe(interpreter, generations, lists, enabled):
    """generations: 3 struct gc_generation; lists: for each generation of gc.get_objects(), those
    of them it consists of."""
    size = generations[0]["head"].type.sizeof
    return {
        "interpreter": interpreter,
        "tracked": [[address for one in ones for address in walk(one["head"],
                                                                 size)] for ones in lists],
        "count": [int(one["count"]) for one in generations],
        "enabled": None if enabled is None else bool(enabled),
    }


def describe_generational(interpreter, array, enabled):
    generations = [array[number] for number in range(3)]
    return describe(interpreter, generations, [[one] for one in generations], enabled)


def describe_incremental(interpreter, state):
    visited = int(state["visited_space"])
    old = [state["old"][visited], state["old"][visited ^ 1]]
    return describe(interpreter, [state["young"]] + old, [[state["young"]], [], old],
                    state["enabled"])


def describe_all():
    if value("_PyRuntime.interpreters.head->gc") is not None:
        interpreter = value("_PyRuntime.interpreters.head")
        while interpreter:
            state = interpreter["gc"]
            if "young" in [member.name for member in state.type.fields()]:
                yield describe_incremental(int(interpreter["id"]), state)
            else:
                yield describe_generational(int(interpreter["id"]), state["generations"],
                                            state["enabled"])
            interpreter = interpreter["next"]
    elif value("_PyRuntime.gc.generations") is not None:
        yield describe_generational(0, value("_PyRuntime.gc.generations"),
                                    value("_PyRuntime.gc.enabled"))
    else:
        array = value("*(struct gc_generation (*)[3])_PyGC_generation0")
        yield describe_generational(0, array, value("enabled"))


print(json.dumps(list(describe_all())))
