"""What subinterp.py does in each interpreter that it makes."""

import gc
import json
import sys

import census
import settle

KEPT = []


class Inner(object):
    def __init__(self, number):
        self.number = number


def fill(count):
    KEPT.extend(Inner(number) for number in range(count))
    census.ready_types()
    settle.settle()


def take(number):
    """Write truth-NUMBER.json, {"tracked": rows}, and tracked-NUMBER.bin of the current
    interpreter.

    Called by a script that exists only for this call, so what runs it is left out.  From 3.9 on;
    before, all interpreters share one collector.
    """
    generations = [None, None, None]
    generations[2] = gc.get_objects(2)
    generations[1] = gc.get_objects(1)
    generations[0] = gc.get_objects(0)
    objects = gc.get_objects()
    script = sys._getframe(1).f_code
    own = set(map(id,
                  [generations, objects, script, script.co_consts, script.co_names] + generations))
    own.update(ids_of(script, objects))
    rows = census.tracked_rows(own, generations, objects, "tracked-%d.bin" % number)
    with open("truth-%d.json" % number, "w") as out:
        json.dump({"tracked": census.listed(rows)}, out, indent=1, sort_keys=True)


def ids_of(script, objects):
    """Ids, among objects, of the function made of the script (3.11+) and of the list of names that
    its compiler keeps while it runs (up to 3.13): no other list holds the name of take()."""
    ids = []
    for obj in objects:
        if isinstance(obj, type(ids_of)) and obj.__code__ is script:
            ids.append(id(obj))
        elif type(obj) is list and [item for item in obj if item is take.__name__]:
            ids.append(id(obj))
    return ids
