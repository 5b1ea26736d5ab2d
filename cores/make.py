#!/usr/bin/env python3
"""Make a core: run a program under an interpreter of the matrix to its death, and keep the rest.

    cores/make.py [--kill abort|gcore|itself|none] [--env K=V] [--flag=-X --flag=dev] ID RECIPE [ARG...]

ID is an id of matrix.json, RECIPE one of recipes.json; the options add to what the recipe says.
Prints the folder, which holds
    core            the core (not with --kill none)
    truth.json ...  what the program wrote about itself (some write none): see programs/truth.py
    meta.json       see make()
    stdout stderr   of the program
Folders are kept in the cache and made again only when the interpreter, the program or an option
changes.
"""

import argparse
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import matrix

PROGRAMS = matrix.HERE / "programs"
RECIPES = matrix.HERE / "recipes.json"
GUARDED = matrix.HERE / "guarded.py"
FORMAT = 1
TIMEOUT = 600
BASE_ENV = {
    "PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1",
}


class MakeError(Exception):
    """The program did not die as it should, or left no core or no truth; str() says which and
    shows its stderr."""


def recipes() -> List[str]:
    """The ids of recipes.json, in its order."""
    return [row["id"] for row in json.loads(RECIPES.read_text())["recipes"]]


def is_full_tier(recipe_id: str) -> bool:
    """Whether that recipe is of the tier "full": one of many of a kind."""
    return _recipe(recipe_id).get("tier") == "full"


def library_users(name: str, interpreter_ids: Sequence[str]) -> List[str]:
    """Which of these interpreters make cores with the libraries of that folder."""
    recipes_with = [row for row in json.loads(RECIPES.read_text())["recipes"]
                    if row.get("libraries") == name]
    return [interpreter_id for interpreter_id in interpreter_ids
            if any(_fits(interpreter_id, recipe) for recipe in recipes_with)]


def _fits(interpreter_id: str, recipe: dict) -> bool:
    try:
        _check_fit(matrix.find(interpreter_id), recipe)
    except matrix.Missing:
        return False
    return True


def make(interpreter_id: str, recipe_id: str, args: Sequence[str] = (),
         env: Optional[Dict[str, str]] = None, flags: Sequence[str] = (),
         kill: Optional[str] = None) -> Path:
    """The folder of that core, from the cache or newly made; matrix.Missing or MakeError.

    args of the program, env and flags (options of the interpreter itself) are added to the
    recipe's; kill replaces it: "abort" (the default) lets the kernel write the core, or gcore where
    the kernel would not write it here (then the program waits in pause(2) instead of abort(3));
    "gcore" always; "none" makes only the truth; "itself" leaves the death to the program, and only
    the kernel can write that core.

    meta.json: interpreter (id), program, args, env, flags, kill, dumper ("kernel", "gcore" or
    null), exe, sysroot and debug_dir (paths or null), command (the executable as the process saw
    it), pid (of the process that died), signal (number or null), core (its file name or null).
    """
    interpreter = matrix.find(interpreter_id)
    recipe = _recipe(recipe_id)
    if "libraries" in recipe:  # which nobody fetches for one that has no use for them
        _check_fit(interpreter, recipe)
    options = {
        "interpreter": interpreter_id, "program": recipe["program"],
        "args": recipe.get("args", []) + list(args),
        "env": dict(_recipe_env(recipe), **(env or {})),
        "flags": recipe.get("flags", []) + list(flags),
        "kill": kill or recipe.get("kill", "abort"),
    }
    name = "%s-%s" % (recipe_id, _digest(interpreter, options))
    folder = matrix.cache_dir() / "cores" / interpreter_id / name
    if not folder.is_dir():
        _check_fit(interpreter, recipe)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _keep(_run(interpreter, options), folder)
        _drop_outdated(folder, options)
    return folder


def _recipe(recipe_id: str) -> dict:
    for row in json.loads(RECIPES.read_text())["recipes"]:
        if row["id"] == recipe_id:
            return row
    raise KeyError("no recipe %s in cores/recipes.json" % recipe_id)


def _recipe_env(recipe: dict) -> Dict[str, str]:
    libraries = matrix.library_env(recipe["libraries"]) if "libraries" in recipe else {}
    return dict(libraries, **recipe.get("env", {}))


def _check_fit(interpreter: matrix.Interpreter, recipe: dict) -> None:
    """matrix.Missing if the recipe cannot be made by this interpreter."""
    if "since" in recipe and matrix.version_of(interpreter) < tuple(recipe["since"]):
        raise matrix.Missing("%s needs Python %d.%d" % ((recipe["id"],) + tuple(recipe["since"])))
    if "until" in recipe and matrix.version_of(interpreter)[:2] > tuple(recipe["until"]):
        raise matrix.Missing("%s works up to Python %d.%d" % ((recipe["id"],)
                                                              + tuple(recipe["until"])))
    for minor, reason in recipe.get("but", {}).items():
        if "%d.%d" % matrix.version_of(interpreter)[:2] == minor:
            raise matrix.Missing("%s: %s" % (recipe["id"], reason))
    if "libraries" in recipe and interpreter.sysroot:
        raise matrix.Missing("%s: the libraries are outside of its root" % recipe["id"])
    library = recipe.get("needs_library")
    if library and not list((interpreter.sysroot or Path("/")).glob("usr/lib/*/" + library)):
        raise matrix.Missing("%s needs %s" % (recipe["id"], library))
    row = matrix.row_of(matrix.plain(interpreter.id))
    if recipe.get("needs_gil") and row.get("free_threaded"):
        raise matrix.Missing("%s: a free-threaded build has no such allocator" % recipe["id"])


def dumper_of(kill: str) -> Optional[str]:
    """Who writes the core for a way to die: "kernel", "gcore" or None; matrix.Missing if only
    the kernel could and does not."""
    if kill == "none":
        return None
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    usable = pattern and pattern[0] != "|" and "/" not in pattern and hard == resource.RLIM_INFINITY
    if kill == "itself" and not usable:
        raise matrix.Missing("the kernel leaves no core here (core_pattern, ulimit -c)")
    return "kernel" if kill in ("abort", "itself") and usable else "gcore"


def _digest(interpreter: matrix.Interpreter, options: dict) -> str:
    digest = hashlib.sha256()
    digest.update(json.dumps([FORMAT, interpreter.identity, BASE_ENV, options],
                             sort_keys=True).encode())
    if options["kill"] == "gcore":
        digest.update(GUARDED.read_bytes())
    for path in sorted(_sources(options["program"])):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _sources(program: str) -> List[Path]:
    """The program, and every module of programs/ that a source imports, be it in a string,
    transitively."""
    names = {path.stem for path in PROGRAMS.glob("*.py")}
    found: List[str] = []
    todo = [program]
    while todo:
        name = todo.pop()
        if name not in found:
            found.append(name)
            source = (PROGRAMS / (name + ".py")).read_text()
            todo.extend(names & set(re.findall(r"\bimport (\w+)", source)))
    return [PROGRAMS / (name + ".py") for name in found]


def _run(interpreter: matrix.Interpreter, options: dict) -> Path:
    """Run the program to its death in a new folder, which is returned."""
    dumper = dumper_of(options["kill"])
    if options["kill"] == "abort" and dumper == "gcore":
        print("make.py: the kernel would not leave a core here; gcore writes it instead",
              file=sys.stderr)
    if dumper == "gcore" and not shutil.which("gdb"):
        raise matrix.Missing("gdb, whose gcore would write the core, is not installed")
    root = interpreter.sysroot or matrix.cache_dir()
    (root / "tmp").mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="core-", dir=str(root / "tmp")))
    try:
        process = _spawn(interpreter, options, work, dumper)
        killer = _await_death(process, work, dumper)
        (work / "meta.json").write_text(json.dumps(dict(
            options, dumper=dumper, exe=str(interpreter.exe), command=interpreter.command,
            sysroot=interpreter.sysroot and str(interpreter.sysroot),
            debug_dir=interpreter.debug_dir and str(interpreter.debug_dir),
            pid=int((work / "dying").read_text()),
            signal=killer if dumper == "kernel" else None,
            core="core" if dumper else None), indent=1, sort_keys=True))
        shutil.rmtree(work / "app")
        return work
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _spawn(interpreter: matrix.Interpreter, options: dict, work: Path,
           dumper: Optional[str]) -> subprocess.Popen:
    (work / "app").mkdir()
    for path in _sources(options["program"]):
        shutil.copy(str(path), str(work / "app"))
    root = interpreter.sysroot
    inside = matrix.seen_from(root, work)

    def before_exec() -> None:
        # A shell that starts us in the background has them ignored, which children inherit.
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        if root is not None:
            os.chroot(str(root))
        os.chdir(str(inside))

    death = {"kernel": "abort", "gcore": "pause", None: "none"}[dumper]
    script = "app/%s.py" % options["program"]
    command = [interpreter.command] + options["flags"] + [script] + options["args"]
    environment = dict(BASE_ENV, PYLEAK_DEATH=death, **interpreter.env)
    environment.update(options["env"])
    with open(work / "stdout", "wb") as out, open(work / "stderr", "wb") as err:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                env=environment, start_new_session=True,
                                preexec_fn=before_exec)


def _await_death(process: subprocess.Popen, work: Path, dumper: Optional[str]) -> int:
    """Wait for the end; afterwards work holds what dumper should have made, or MakeError says
    what is wrong. The signal that killed it; of a child that died instead it is SIGABRT."""
    try:
        if dumper == "gcore":
            _gcore(_await_pause(process, work), work)
        process.wait(TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise MakeError("no end after %d s%s" % (TIMEOUT, _last_words(work))) from error
    finally:
        _end(process)
    cores = sorted(work.glob("core*"))
    if (work / "truth.error").exists():
        raise MakeError("no truth: %s" % (work / "truth.error").read_text())
    at_its_end = (work / "dying").exists() and (dumper is not None or process.returncode == 0)
    if len(cores) != (0 if dumper is None else 1) or not at_its_end:
        raise MakeError("ended with %d, leaving %d cores%s"
                        % (process.returncode, len(cores), _last_words(work)))
    if cores:
        cores[0].rename(work / "core")
    return -process.returncode if process.returncode < 0 else int(signal.SIGABRT)


def _await_pause(process: subprocess.Popen, work: Path) -> int:
    """Wait until the process to be dumped rests in pause(2), with no child left; its pid."""
    deadline = time.monotonic() + TIMEOUT
    rested = 0
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise MakeError("ended with %d instead of waiting%s"
                            % (process.returncode, _last_words(work)))
        rested = rested + 1 if _rests(work) else 0
        if rested == 3:
            return int((work / "dying").read_text())
        time.sleep(0.05)
    raise MakeError("never came to rest%s" % _last_words(work))


def _rests(work: Path) -> bool:
    """Whether the process named in the file "dying" sleeps in its main thread and has no child."""
    try:
        pid = int((work / "dying").read_text())
        task = Path("/proc/%d/task/%d" % (pid, pid))
        state = (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
        return state == "S" and not (task / "children").read_text().strip()
    except (OSError, ValueError):
        return False


def _gcore(pid: int, work: Path) -> None:
    """Dump a process that rests as gcore does, with what gdb leaves out, then kill it."""
    core = work / ("core.%d" % pid)
    guarded = " ".join(shlex.quote(word) for word in (sys.executable, str(GUARDED), str(pid), str(core)))
    done = subprocess.run(["gdb", "-nx", "-batch", "-readnever", "-iex", "set height 0",
                           "-ex", "attach %d" % pid, "-ex", "gcore %s" % core,
                           "-ex", "shell " + guarded, "-ex", "detach"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT)
    os.kill(pid, signal.SIGKILL)
    if done.returncode != 0 or b"guarded.py: " not in done.stdout:
        raise MakeError("gcore failed: %s" % done.stderr.decode(errors="replace"))
    if shutil.which("fallocate"):
        # gcore writes out the reserve of every thread's malloc arena: 200 MB of zeros.
        for core in work.glob("core.*"):
            subprocess.run(["fallocate", "--dig-holes", str(core)], check=True)


def _end(process: subprocess.Popen) -> None:
    """Kill what is left of the program and its children, which have a session of their own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _last_words(work: Path) -> str:
    return "; stderr: " + (work / "stderr").read_bytes()[-2000:].decode(errors="replace")


def _keep(work: Path, folder: Path) -> None:
    """Move a finished folder to its place; if another run was faster, its result stays."""
    try:
        os.rename(work, folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(work)


def _drop_outdated(folder: Path, options: dict) -> None:
    """Remove the folders that an older program or interpreter left for the same options."""
    for other in folder.parent.iterdir():
        same_recipe = other.name.rsplit("-", 1)[0] == folder.name.rsplit("-", 1)[0]
        if other != folder and same_recipe and (other / "meta.json").exists():
            meta = json.loads((other / "meta.json").read_text())
            if all(meta.get(key) == value for key, value in options.items()):
                shutil.rmtree(other, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kill", choices=("abort", "gcore", "itself", "none"))
    parser.add_argument("--env", action="append", default=[], metavar="K=V")
    parser.add_argument("--flag", action="append", default=[],
                        help="an option for the interpreter: --flag=-X --flag=dev")
    parser.add_argument("interpreter")
    parser.add_argument("recipe")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    try:
        print(make(given.interpreter, given.recipe, given.args,
                   dict(pair.split("=", 1) for pair in given.env),
                   given.flag, given.kill))
    except (matrix.Missing, MakeError, KeyError) as error:
        print("make.py: %s: %s" % (given.interpreter, error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
