#!/usr/bin/env python3
"""Add the layout table of an interpreter to cscan/layout/tables, from its debug information.

    make layout PY=~/.pyenv/versions/3.11.7/bin/python
    scripts/gen_layout.py --root UNPACKED --variant debian /usr/bin/python3.13
    scripts/gen_layout.py --all        every interpreter of cores/matrix.json that is here: after a
                                       new row in fields.def

The interpreter is not run. Its executable, its libpython and its extension modules go to
build/bin/gen_layout, which asks their DWARF (in separate debug files too) for every field of
fields.def. Building that program is make's part.
"""

import argparse
import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(REPO / "cores"))

import matrix  # noqa: E402

TABLES = REPO / "cscan" / "layout" / "tables"
DEBIAN = ("/usr/bin/", "system", "bullseye", "trixie", "sid")  # paths or ids that begin so


def inside(root, path):
    """path in root, symbolic links followed as a chroot would."""
    path = pathlib.Path(path)
    if not root:
        return path.resolve()
    for _ in range(40):
        place = root / path.relative_to("/")
        if not place.is_symlink():
            return place
        path = path.parent / place.readlink()
    raise SystemExit(f"too many symbolic links at {path}")


def files_of(python):
    """The executable, the libpython that it needs and the modules of its lib-dynload."""
    prefix = python.parent.parent
    minor = re.search(r"\d\.\d+", python.name)
    minor = minor.group(0) if minor else ""
    yield python
    if b"\0PyType_Type\0" not in python.read_bytes():
        libraries = [lib.resolve() for where in ("lib", "lib/*-linux-gnu", "lib64")
                     for lib in sorted(prefix.glob(f"{where}/libpython{minor}*.so*"))]
        yield from {lib: None for lib in libraries if lib.name != "libpython3.so"}
    debug = python.name.endswith(("d", "-dbg"))
    for folder in sorted(prefix.glob(f"lib/python{minor}*/lib-dynload")):
        # Debian keeps the modules of both builds in one folder: array.cpython-311d-x86_64-...,
        # array.x86_64-linux-gnu_d.so
        modules = [(f, bool(re.search(r"-\d+d[mu]*-|_d\.so", f.name)))
                   for f in sorted(folder.glob("*.so"))]
        both = len({kind for _, kind in modules}) == 2
        yield from (f for f, kind in modules if kind == debug or not both)


def variant_of(path):
    """Whose build an interpreter is, by its path or by its id in the matrix."""
    if "pyenv" in path:
        return "pyenv"
    return "source" if path.startswith("build-") or not path.startswith(DEBIAN) else "debian"


def write_index():
    """all.def includes every table, oldest first."""
    def key(path):
        return [int(n) for n in re.findall(r"\d+", path.name)], path.name
    lines = ["/* Every table; written by scripts/gen_layout.py. */\n"]
    lines += [f'#include "layout/tables/{p.name}"\n'
              for p in sorted(TABLES.glob("[0-9]*.def"), key=key)]
    (TABLES / "all.def").write_text("".join(lines))


def generate(args, python, variant, debug_dir):
    """The text of a table, or None when gen_layout has said why not."""
    command = [str(args.tool), "--variant", variant]
    if debug_dir:
        command += ["--debug-dir", str(debug_dir)]
    done = subprocess.run(command + [str(f) for f in files_of(python)], stdout=subprocess.PIPE,
                          text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def add(text):
    name = re.search(r'PL_TABLE\("([^"]+)"', text).group(1)
    (TABLES / f"{name}.def").write_text(text)
    print(f"cscan/layout/tables/{name}.def: {len(re.findall('[FW][(]', text))} fields")


def add_all(args):
    failed = False
    for row in matrix.table()["interpreters"]:
        if row.get("free_threaded"):
            continue
        try:
            found = matrix.find(row["id"])
        except matrix.Missing as reason:
            print(f"{row['id']}: left as it is: {reason}", file=sys.stderr)
            continue
        debug_dir = found.debug_dir or (found.sysroot and found.sysroot / "usr/lib/debug")
        text = generate(args, found.exe, variant_of(row["id"]), debug_dir)
        failed |= text is None
        if text:
            add(text)
    write_index()
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="?", help="the interpreter, as seen inside --root")
    parser.add_argument("--all", action="store_true", help="the interpreters of cores/matrix.json")
    parser.add_argument("--root", type=pathlib.Path, help="folder of an unpacked system")
    parser.add_argument("--debug-dir", help="where separate debug files lie (usr/lib/debug)")
    parser.add_argument("--variant", help="whose build: debian, pyenv ... (default: by its path)")
    parser.add_argument("--print", action="store_true", help="print the table, add nothing")
    parser.add_argument("--tool", default=REPO / "build" / "bin" / "gen_layout",
                        help="the program that make built")
    args = parser.parse_args()
    if args.all:
        return add_all(args)
    if not args.python:
        parser.error("which interpreter?")
    root = args.root.resolve() if args.root else None
    variant = args.variant or ("debian" if root else variant_of(args.python))
    debug_dir = args.debug_dir or (root and root / "usr/lib/debug")
    text = generate(args, inside(root, args.python), variant, debug_dir)
    if text is None:
        return 1
    if args.print:
        sys.stdout.write(text)
        return 0
    add(text)
    write_index()
    return 0


if __name__ == "__main__":
    sys.exit(main())
