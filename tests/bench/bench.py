"""Speed and memory of pyleak, as ratios against floors and rivals measured in the same run.

    make bench [BENCH_OBJECTS=1000000,10000000] [BENCH_BUFFERED=50000,200000]
               [BENCH_INTERPRETER=system] [BENCH_ROUNDS=5]

The heap is cores/programs/big.py.  Against what:
  memscan   one thread maps the core and adds up every 8-byte word: nobody reads it faster
  objgraph  what objgraph.show_most_common_types() does, inside a live process with the same heap
  collect   gc.collect() there
A second table is of cores/programs/scale.py: objects of an extension type, each with two malloc'd
buffers, which cost `path` and `triage` a few times what `types` takes, and no more for each object
where there are more of them.
The graph is timed alone by bench_stages.c, questions after it by bench_session.py.
Commands of a round run in turn; medians of the rounds are shown, for the machines are noisy.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(CHECKOUT / "cores"))
sys.path.insert(0, str(CHECKOUT / "gdbext"))
sys.path.insert(0, str(CHECKOUT / "tests" / "e2e"))

import make  # noqa: E402
import matrix  # noqa: E402
import pytest  # noqa: E402
from pyleak_gdb.lib import binding  # noqa: E402
from support import extension  # noqa: E402

BUILD = Path(os.environ.get("PYLEAK_BUILD") or CHECKOUT / "build")
INTERPRETER = os.environ.get("BENCH_INTERPRETER", "system")
OBJECTS = [int(n) for n in os.environ.get("BENCH_OBJECTS", "1000000,10000000").split(",")]
BUFFERED = [int(n) for n in os.environ.get("BENCH_BUFFERED", "50000,200000").split(",")]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))

# objgraph.typestats(): a name for every object, and a dict of counts.
OBJGRAPH = """
import gc, sys, time
sys.path.insert(0, %r)
import big
big.fill(%d, 1)
gc.collect()
start = time.perf_counter()
objects = gc.get_objects()
stats = {}
for o in objects:
    name = type(o).__name__
    stats[name] = stats.get(name, 0) + 1
top = sorted(stats.items(), key=lambda item: -item[1])[:10]
print(time.perf_counter() - start)
"""


COLLECT = """
import gc, sys, time
sys.path.insert(0, %r)
import big
gc.disable()
big.fill(%d, 1)
start = time.perf_counter()
gc.collect()
print(time.perf_counter() - start)
"""


def measure(command):
    """(wall seconds, peak resident KiB) of a command that must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    assert status == 0, command
    return seconds, usage.ru_maxrss


def compile_c(name, folder, *more):
    """The path of a program made from name.c."""
    program = Path(folder) / name
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", str(program), str(HERE / (name + ".c"))] + list(more),
                   check=True)
    return str(program)


def stages_program(folder):
    libraries = subprocess.run([os.environ.get("PKG_CONFIG", "pkg-config"), "--libs", "libdw", "libelf", "libarchive",
                                "jansson"], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout.split()
    return compile_c("bench_stages", folder, "-I" + str(CHECKOUT / "cscan"), "-D_GNU_SOURCE", "-pthread",
                     str(BUILD / "lib" / "libpyleak.a"), *libraries)


def numbers(command):
    """Medians of the numbers that a command prints, over the rounds."""
    lines = []
    for _ in range(ROUNDS):
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
        lines.append([float(word) for word in out.replace(",", " ").split()])
    return [statistics.median(column) for column in zip(*lines)]


def rounds(commands):
    """{name: (median seconds, median KiB)}: each round runs every command once, after one round that does not count."""
    taken = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, command in commands.items():
            result = measure(command)
            if number:
                taken[name].append(result)
    return {name: tuple(statistics.median(column) for column in zip(*results)) for name, results in taken.items()}


def live(code, objects):
    """Seconds that code takes inside a process with that heap."""
    code %= (str(CHECKOUT / "cores" / "programs"), objects)
    out = subprocess.run([str(matrix.find(INTERPRETER).exe), "-c", code], check=True, stdout=subprocess.PIPE)
    return float(out.stdout.split()[-1])


def first_lines(command):
    """Median seconds until a command prints something; it is then left to end."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert os.read(process.stdout.fileno(), 1), command
            taken.append(time.perf_counter() - start)
            process.communicate()
    return statistics.median(taken)


def some_object(pyleak, core):
    """The address of one of the program's objects."""
    out = subprocess.run([pyleak, "instances", "--quiet", "--limit", "1", "--format", "csv", "__main__.Record", core],
                         check=True, stdout=subprocess.PIPE)
    return out.stdout.decode().splitlines()[1].split(",")[0]


def bench(objects, folder):
    """One row of the table for a heap of that many objects."""
    made = make.make(INTERPRETER, "big", args=["--objects", str(objects)])
    core = str(made / "core")
    pyleak = str(BUILD / "bin" / "pyleak")
    commands = {
        "memscan": [compile_c("memscan", folder), core],
        "types": [pyleak, "types", "--quiet", core],
        "path": [pyleak, "path", "--quiet", "dict", core],
        "referrers": [pyleak, "referrers", "--quiet", "--native", some_object(pyleak, core), core],
        "refcounts": [pyleak, "refcounts", "--quiet", core],
        "triage": [pyleak, "triage", "--quiet", core],
    }
    if has_cycles():
        commands["cycles"] = [pyleak, "cycles", "--quiet", core]
    result = rounds(commands)
    floor, floor_kib = result["memscan"]
    to_objects, to_roots, graph, edges, resident = numbers([stages_program(folder), core, "2"])
    session = numbers([sys.executable, str(HERE / "bench_session.py"), str(BUILD / "lib" / "libpyleak.so"), core])
    row = {
        "objects": objects,
        "core MB": os.path.getsize(core) / 1e6,
        "memscan s": floor,
        "types s": result["types"][0],
        "types / memscan": result["types"][0] / floor,
        "types B/object": max(0.0, (result["types"][1] - floor_kib) * 1024 / objects),
        "path s": result["path"][0],
        "path B/object": max(0.0, (result["path"][1] - floor_kib) * 1024 / objects),
        "objgraph s": live(OBJGRAPH, objects),
        "graph s": graph,
        "graph / memscan": graph / floor,
        "core to graph / memscan": (to_objects + to_roots + graph) / floor,
        "edges": edges,
        "graph B/edge": resident / edges,
        "then referrers s": session[0],
        "then path s": session[1],
        "then referrers of the class s": session[2],
        "then path of the class s": session[3],
    }
    for name in "referrers", "refcounts":
        row[name + " s"] = result[name][0]
        row[name + " / memscan"] = result[name][0] / floor
    row["triage s"] = result["triage"][0]
    row["triage, first lines s"] = first_lines(commands["triage"])
    row["triage / core to graph"] = row["triage s"] / (to_objects + to_roots + graph)
    row["objgraph / types"] = row["objgraph s"] / row["types s"]
    if "cycles" in result:
        row["cycles s"] = result["cycles"][0]
        row["collect s"] = live(COLLECT, objects)
    return row


def bench_buffered(objects, module):
    """One row of the table for so many objects of the extension type; module: the folder that it is in."""
    made = make.make(INTERPRETER, "scale", args=["--buffered", str(objects)], env={"PYTHONPATH": str(module)})
    core = str(made / "core")
    pyleak = str(BUILD / "bin" / "pyleak")
    result = rounds({
        "types": [pyleak, "types", "--quiet", core],
        "path": [pyleak, "path", "--quiet", "__main__.Owned", core],
        "triage": [pyleak, "triage", "--quiet", core],
    })
    types = result["types"][0]
    return {
        "buffered objects": objects,
        "core MB": os.path.getsize(core) / 1e6,
        "types s": types,
        "path s": result["path"][0],
        "path / types (at most 6)": result["path"][0] / types,
        "triage s": result["triage"][0],
        "triage / types (at most 10)": result["triage"][0] / types,
    }


def buffered():
    """The table of the extension type, if it can be compiled for the interpreter."""
    try:
        module = extension.built(INTERPRETER, "scaleext", flags=["-O2"])
    except pytest.skip.Exception as reason:
        print("buffered objects: not measured: %s" % reason)
        return
    show([bench_buffered(objects, module) for objects in BUFFERED], ["path s", "triage s"])


def show(rows, grows):
    """Print the rows as columns; grows: names of which the last column is also told per object of the first one."""
    count = next(iter(rows[0]))
    for name in rows[0]:
        print("%-32s" % name + "".join("%14s" % format(row[name], ",.0f" if row[name] > 1000 else ".2f") for row in rows))
    for name in grows if len(rows) > 1 else []:
        per_object = [row[name] / row[count] for row in (rows[0], rows[-1])]
        print("%-30s%14.2f" % (name[:-2] + " per object, last / first", per_object[1] / per_object[0]))


def has_cycles():
    return "cycles" in binding.Library(str(BUILD / "lib" / "libpyleak.so")).analyses()


def main():
    rows = []
    if not has_cycles():
        print("cycles: not measured, this pyleak has no such analysis")
    with tempfile.TemporaryDirectory() as folder:
        for objects in OBJECTS:
            rows.append(bench(objects, folder))
    show(rows, ["types s"])
    print()
    buffered()


if __name__ == "__main__":
    main()
