#!/usr/bin/env python3
"""Add the layout table of an interpreter to cscan/layout/tables, from its debug information.

    make layout PY=~/.pyenv/versions/3.11.7/bin/python
    scripts/gen_layout.py --root UNPACKED --variant debian /usr/bin/python3.13

The interpreter is not run. Its executable, its libpython and the extension modules whose structs pyleak reads go to
build/bin/gen_layout, which asks their DWARF (in separate debug files too). Building it is make's part.
"""

import argparse
import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
TABLES = REPO / "cscan" / "layout" / "tables"


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
    """The executable, the libpython that it needs and the extension modules of its lib-dynload."""
    prefix = python.parent.parent
    minor = re.search(r"(\d)\.?(\d+)", python.name)
    yield python
    if b"\0PyType_Type\0" not in python.read_bytes():
        libraries = [lib for where in ("lib", "lib/*-linux-gnu", "lib64")
                     for lib in sorted(prefix.glob(f"{where}/libpython{minor.group(0) if minor else ''}*.so*"))]
        yield from {lib.resolve(): None for lib in libraries if lib.resolve().name != "libpython3.so"}
    debug = python.name.endswith(("d", "-dbg"))
    for folder in sorted(prefix.glob(f"lib/python{minor.group(0) if minor else '*'}*/lib-dynload")):
        # Debian keeps the modules of both builds in one folder: array.cpython-311d-..., array.x86_64-linux-gnu_d.so
        modules = [(f, bool(re.search(r"-\d+d[mu]*-|_d\.so", f.name))) for f in sorted(folder.glob("*.so"))]
        both = len({kind for _, kind in modules}) == 2
        yield from (f for f, kind in modules if kind == debug or not both)


def variant_of(python, root):
    text = str(python)
    if ".pyenv" in text:
        return "pyenv"
    return "debian" if root or text.startswith("/usr/bin/") else "source"


def write_index():
    """all.def includes every table, oldest first."""
    def key(path):
        return [int(n) for n in re.findall(r"\d+", path.name)], path.name
    lines = ["/* Every table; written by scripts/gen_layout.py. */\n"]
    lines += [f'#include "layout/tables/{p.name}"\n' for p in sorted(TABLES.glob("[0-9]*.def"), key=key)]
    (TABLES / "all.def").write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="the interpreter, as seen inside --root")
    parser.add_argument("--root", type=pathlib.Path, help="folder of an unpacked system")
    parser.add_argument("--debug-dir", help="where separate debug files lie (default: usr/lib/debug of the root)")
    parser.add_argument("--variant", help="whose build it is: debian, pyenv ... (default: by its path)")
    parser.add_argument("--print", action="store_true", help="print the table instead of adding it")
    parser.add_argument("--tool", default=REPO / "build" / "bin" / "gen_layout", help="the program that make built")
    args = parser.parse_args()
    root = args.root.resolve() if args.root else None
    python = inside(root, args.python)
    command = [str(args.tool), "--variant", args.variant or variant_of(python, root)]
    debug_dir = args.debug_dir or (root and str(root / "usr/lib/debug"))
    if debug_dir:
        command += ["--debug-dir", debug_dir]
    done = subprocess.run(command + [str(f) for f in files_of(python)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.returncode
    if args.print:
        sys.stdout.write(done.stdout)
        return 0
    name = re.search(r'PL_TABLE\("([^"]+)"', done.stdout).group(1)
    (TABLES / f"{name}.def").write_text(done.stdout)
    write_index()
    print(f"cscan/layout/tables/{name}.def: {done.stdout.count('(') - 1} fields")
    return 0


if __name__ == "__main__":
    sys.exit(main())
