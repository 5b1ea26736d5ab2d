"""Counts and sizes by type, for the truth-taking: usable in any interpreter, so without ctypes.

`rows` below is {id of a type: row}; listed() makes it JSON-able.  Rows are filled before any type
is named, because naming interns strings and may thereby change what is counted.

Runs on Python 2.7 and 3.6 or newer.
"""

import gc
import struct
import sys

NO_GENERATION = 9
NO_SIZE = 2 ** 64 - 1

_tracked_record = struct.Struct("<4Q")
_slot_type = type(object.__sizeof__)
_module_of = type.__dict__["__module__"].__get__
_name_of = type.__dict__["__qualname__" if "__qualname__" in type.__dict__ else "__name__"].__get__


def ready_types():
    """Make the interpreter finish every static type of which something lives.  It does so on first
    use of the type, by sys.getsizeof say, and each one finished later would be new objects: a weak
    reference in its base class, a dict."""
    types = set()
    for obj in gc.get_objects():
        types.add(type(obj))
        types.update(map(type, gc.get_referents(obj)))
    for cls in types:
        cls.__mro__


def tracked_rows(own, generations, objects, side_file="tracked.bin"):
    """Rows over gc.get_objects(); writes the side file of truth.py's "tracked.bin"."""
    members = [obj for obj in objects if id(obj) not in own]
    own.add(id(members))
    sizes = [size_of(obj) for obj in members]
    where = {}
    for number, generation in enumerate(generations or ()):
        where.update((id(obj), number) for obj in generation)
    rows = {}
    with open(side_file, "wb") as out:
        for obj, size in zip(members, sizes):
            generation = where.get(id(obj), NO_GENERATION)
            add_row(rows, type(obj), size, generation)
            out.write(_tracked_record.pack(id(obj), id(type(obj)),
                                           NO_SIZE if size is None else size, generation))
    return rows


def add_row(rows, cls, size, generation=NO_GENERATION):
    """Count one object of type cls; a row's size is None once one object's size is."""
    row = rows.get(id(cls))
    if row is None:
        row = rows[id(cls)] = {"type": cls, "count": 0, "size": 0, "generations": {}}
    row["count"] += 1
    row["size"] = None if size is None or row["size"] is None else row["size"] + size
    row["generations"][generation] = row["generations"].get(generation, 0) + 1


def listed(rows):
    """[{type, type_address, count, size, overrides_sizeof, generations}], most objects first; two
    types of one name are two rows; generations is null where the version (up to 3.7) or the source
    (closure) cannot say."""
    result = []
    for address, row in rows.items():
        generations = dict((str(number), count) for number, count in row["generations"].items())
        result.append(dict(row, type=type_name(row["type"]), type_address=hex_address(address),
                           overrides_sizeof=overrides_sizeof(row["type"]),
                           generations=None if str(NO_GENERATION) in generations else generations))
    return sorted(result, key=lambda row: (-row["count"], row["type"], row["type_address"]))


def type_name(cls):
    """"module.qualname" of a type, past any metaclass that overrides them; Python 2:
    "module.name"."""
    try:
        module = _module_of(cls)
    except AttributeError:
        module = None
    return "%s.%s" % (module, _name_of(cls)) if isinstance(module, str) else _name_of(cls)


def overrides_sizeof(cls):
    """Whether sys.getsizeof of its instances runs Python code."""
    for base in cls.__mro__:
        found = base.__dict__.get("__sizeof__")
        if found is not None:
            return not isinstance(found, _slot_type)
    return False


def size_of(obj):
    """sys.getsizeof, gc head included; None if that raises."""
    try:
        return sys.getsizeof(obj)
    except Exception:
        return None


def hex_address(address):
    return "0x%x" % address
