"""The blocks that heap/ lists, against what the process itself knew of its allocators.

Two truths.  A Python program's: sys.getallocatedblocks() and the addresses of everything that it
reached in the instant of its death.  And malloc_truth.c's, whose own malloc wrote down every block:
there the lists must be equal, block for block, on each glibc that the matrix brings along.
"""

import json
import os
import resource
import shutil
import struct
import subprocess
from bisect import bisect_right
from pathlib import Path

import pytest

import make
import matrix

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = Path(os.environ.get("PYLEAK_BUILD") or TOP / "build")
PACKAGES = ["libdw", "libelf", "libarchive"]
PYMALLOC, MIMALLOC, MALLOC, MMAPPED = range(4)


@pytest.fixture(scope="session")
def heap_list(tmp_path_factory):
    """heap_list(core path, *options) -> Heap; the program is linked to the build under test."""
    if not (BUILD / "lib" / "libpyleak.a").exists():
        pytest.skip("the library is not built: make")
    program = tmp_path_factory.mktemp("heap") / "heap_list"
    libraries = subprocess.check_output(["pkg-config", "--libs"] + PACKAGES, text=True).split()
    # the flags of the build, sanitizers among them
    command = (BUILD / "flags").read_text().split()
    subprocess.run(command + ["-o", str(program), str(HERE / "heap_list.c"),
                              str(BUILD / "lib" / "libpyleak.a")] + libraries,
                   cwd=TOP, check=True)

    def run(core, *options):
        out = program.parent / "blocks"
        done = subprocess.run([str(program), str(core), str(out)] + list(options),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        return Heap(json.loads(done.stdout), out.read_bytes())
    return run


class Heap:
    """figures: heap_list's JSON; blocks: (base, usable, kind, hooked) in address order."""

    def __init__(self, figures, blocks):
        self.figures = figures
        self.blocks = list(struct.iter_unpack("<4Q", blocks))
        self.bases = [block[0] for block in self.blocks]

    def __getitem__(self, name):
        return self.figures[name]

    def holding(self, address):
        """The live block that an address lies in, or None."""
        place = bisect_right(self.bases, address) - 1
        if place < 0 or address >= self.bases[place] + self.blocks[place][1]:
            return None
        return self.blocks[place]

    def is_static(self, address):
        return any(low <= address < high for low, high in self["static"])

    def count(self, kind):
        return sum(1 for block in self.blocks if block[2] == kind)

    def check(self):
        """What must hold of any undamaged heap."""
        for name in ("over_max_live", "out_of_order", "not_found", "damage"):
            assert self[name] == 0, self.figures
        assert self.count(PYMALLOC) == self["pool_blocks"]
        assert self.count(MIMALLOC) == self["page_blocks"]
        # the sum takes free lists off as a whole, the list each chunk by itself
        assert self.count(MALLOC) + self.count(MMAPPED) == self["chunks"]


def check_against_truth(heap, core):
    """The process's own count of blocks, and where its objects were."""
    heap.check()
    blocks = core.truth["allocated_blocks"]
    if heap["page_blocks"]:
        # CPython asks mimalloc for the heap of the thread that asks; the programs' other threads,
        # at most four, hold a few blocks each in heaps of their own
        assert blocks <= heap["page_blocks"] <= blocks + 16
    elif blocks and heap["all_blocks"] is not None:
        # up to 3.8 there is one counter for pools and malloc together
        assert heap["all_blocks"] == blocks
        assert heap["pool_blocks"] <= blocks <= heap["pool_blocks"] + heap["chunks"]
    elif blocks and heap["raw_blocks"] is not None:
        assert heap["pool_blocks"] + heap["raw_blocks"] == blocks
    elif blocks:
        # no symbol names the counter of a stripped interpreter
        assert heap["pool_blocks"] <= blocks <= heap["pool_blocks"] + heap["chunks"]
    lost = [(hex(address), hex(kind)) for address, kind in core.closure_records()
            if not heap.holding(address) and not heap.is_static(address)]
    assert not lost, "%d objects are in no live block: %s" % (len(lost), lost[:10])


def check_hooks(heap, expected, debug_build):
    """Every block of the object allocators is hooked, or none."""
    assert heap["hooked"] == expected
    small = {bool(hooked) for _, _, kind, hooked in heap.blocks if kind in (PYMALLOC, MIMALLOC)}
    assert small <= {expected}
    chunks = sum(hooked for _, _, kind, hooked in heap.blocks if kind in (MALLOC, MMAPPED))
    if expected:
        # what the raw domain and big requests got from malloc is hooked too
        assert chunks > 100
    elif not debug_build:
        # a debug build starts with the hooks and heeds PYTHONMALLOC after some allocations
        assert chunks == 0


@pytest.mark.parametrize("recipe", ["mixed", "mixed-gcore", "mixed-malloc", "mixed-debug",
                                    "mixed-pymalloc-debug", "mixed-mimalloc", "mixed-dev",
                                    "subinterp", "forked"])
def test_blocks(heap_list, core, version, recipe):
    made = core(recipe)
    heap = heap_list(made.path, *made.options)
    check_against_truth(heap, made)
    assert heap["malloc_source"] in ("symbol", "search")
    debug_build = made.meta["interpreter"].endswith("-dbg")
    by_name = recipe in ("mixed-debug", "mixed-pymalloc-debug", "mixed-dev")
    # naming an allocator without "debug" switches the hooks of a debug build off
    without = recipe in ("mixed-malloc", "mixed-mimalloc")
    check_hooks(heap, by_name or (debug_build and not without), debug_build)
    if recipe == "mixed-malloc":
        assert heap["pool_blocks"] == 0
    if recipe == "subinterp" and version >= (3, 12):
        # interpreters may have an allocator of their own, with a table of its own
        assert 1 <= heap["owners"] <= len(made.interpreters())
    else:
        assert heap["owners"] == 1


def test_stripped(heap_list, core, version):
    """Without .symtab and DWARF: the arenas of 3.11 and older are found by searching."""
    made = core("mixed", stripped=True)
    heap = heap_list(made.path, *made.options)
    check_against_truth(heap, made)
    assert heap["pymalloc_source"] == ("search" if version < (3, 12) else "interpreter")


# ---- malloc, block for block ----

def glibcs():
    """The host's and those of the roots, of the interpreters that this run is about."""
    rows = [matrix.row_of(matrix.plain(one)) for one in matrix.chosen()]
    return sorted({row.get("root", "host") for row in rows})


def link(work, root):
    """malloc_truth, linked to the host's libc or to that of a root."""
    source, obj, program = HERE / "malloc_truth.c", work / "malloc_truth.o", work / "malloc_truth"
    subprocess.run(["cc", "-O1", "-fno-builtin", "-fno-stack-protector", "-fPIE", "-c",
                    "-o", str(obj), str(source)], check=True)
    if root is None:
        subprocess.run(["cc", "-pie", "-o", str(program), str(obj), "-lpthread"], check=True)
        return program
    folder = next((root / "lib").glob("*-linux-gnu"))
    start = [subprocess.check_output(["cc", "-print-file-name=" + name], text=True).strip()
             for name in ("Scrt1.o", "crti.o", "crtn.o")]
    # a libc before 2.34 keeps threads in a library of their own
    libraries = [str(path) for name in ("libc.so.6", "libpthread.so.0", "ld-linux-*.so.*")
                 for path in folder.glob(name)]
    subprocess.run(["cc", "-nostdlib", "-pie", "-o", str(program)] + start[:2] + [str(obj)]
                   + libraries + ["-lgcc", start[2]], check=True)
    return program


def die(work, root):
    """Run it to its death in work; the paths of its core and of its list of blocks."""
    def before_exec():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        if root is not None:
            os.chroot(str(root))
        os.chdir(str(matrix.seen_from(root, work)))

    subprocess.run(["./malloc_truth"], preexec_fn=before_exec, timeout=60,
                   cwd=None if root else str(work))
    cores = list(work.glob("core*"))
    assert len(cores) == 1, cores
    return cores[0], work / "live"


@pytest.mark.parametrize("glibc", glibcs())
def test_every_block(heap_list, glibc, tmp_path):
    if make.dumper_of("abort") != "kernel":
        pytest.skip("the kernel leaves no core file here")
    root, options = None, []
    work = tmp_path
    if glibc != "host":
        root = matrix.root_dir(glibc)
        if not root.is_dir() or os.geteuid() != 0:
            pytest.skip("no root %s here, or no right to chroot" % glibc)
        (root / "tmp").mkdir(exist_ok=True)
        work = root / "tmp" / ("malloc-truth-%d" % os.getpid())
        work.mkdir()
        options = ["--sysroot", str(root)]
    try:
        link(work, root)
        core, live = die(work, root)
        heap = heap_list(core, "--no-python", *options)
        heap.check()
        wanted = dict(struct.iter_unpack("<2Q", live.read_bytes()))
    finally:
        if root is not None:
            shutil.rmtree(str(work))
    found = {base: usable for base, usable, _, _ in heap.blocks}
    assert len(wanted) > 10000
    assert {hex(base) for base in wanted.keys() - found.keys()} == set(), "not listed"
    assert {hex(base) for base in found.keys() - wanted.keys()} == set(), "free, but listed"
    assert {base: usable for base, usable in wanted.items() if found[base] != usable} == {}
    # one arena for each thread, and one of them in two heaps; chunks side by side in one mapping
    assert heap["malloc_arenas"] >= 4
    assert heap.count(MMAPPED) == 9
