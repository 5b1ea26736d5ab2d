"""The parts of the gdb extension that need no gdb."""

import os
import signal
import threading
import time

import pytest

from support import gdb  # noqa: F401, also puts gdbext/ on sys.path
from pyleak_gdb.lib import find, worker
from pyleak_gdb.lib.binding import Handle, Library, Option, Progress, Target
from pyleak_gdb.lib.completion import Grammar, complete
from pyleak_gdb.lib.errors import PyleakError
from pyleak_gdb.lib.files import save
from pyleak_gdb.lib.infofiles import file_named
from pyleak_gdb.lib.progress import INTERVAL, PATIENCE, Meter, describe
from pyleak_gdb.lib.session import Session

# ---- find ----


def test_find_checkout(tmp_path):
    package = tmp_path / "gdbext" / "pyleak_gdb"
    assert find.candidates(str(package)) == [str(tmp_path / "build" / "lib" / "libpyleak.so")]


def test_find_installed(tmp_path):
    package = tmp_path / "share" / "pyleak" / "pyleak_gdb"
    multiarch = tmp_path / "lib" / (find.sysconfig.get_config_var("MULTIARCH") or "")
    multiarch.mkdir(parents=True)
    (multiarch / "libpyleak.so").touch()
    assert find.library({}, str(package)) == str(multiarch / "libpyleak.so")
    (tmp_path / "lib" / "libpyleak.so").touch()
    assert find.library({}, str(package)) == str(tmp_path / "lib" / "libpyleak.so")


def test_find_named_by_environment(tmp_path):
    assert find.library({"PYLEAK_LIB": "/no/such.so"}, str(tmp_path)) == "/no/such.so"


def test_find_nothing(tmp_path):
    package = tmp_path / "gdbext" / "pyleak_gdb"
    with pytest.raises(PyleakError) as caught:
        find.library({}, str(package))
    assert str(tmp_path / "build" / "lib") in caught.value.text
    assert "PYLEAK_LIB" in caught.value.hint


# ---- worker ----


def slow(event):
    """A call that ends only when it is cancelled."""
    def call():
        assert event.wait(20)
        return "ended"
    return call


def test_worker_returns_and_raises():
    assert worker.run(lambda: 7, lambda: None) == 7
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda: 1 // 0, lambda: None)


def test_worker_blocks_signals_and_restores_them():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    inside = worker.run(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()), lambda: None)
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGWINCH} <= inside
    assert not inside & worker.FAULTS
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.parametrize("send", [
    lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT),
    lambda: os.kill(os.getpid(), signal.SIGINT),
], ids=["to the waiting thread", "to the process, taken by another thread"])
def test_worker_interrupted(send):
    """However it arrives, and many times over, Ctrl-C cancels, and the call has ended before run() has."""
    begun, event, hammered = threading.Event(), threading.Event(), threading.Event()
    ended = []

    def call():
        begun.set()
        slow(event)()
        assert hammered.wait(20)  # it takes its time to end, and the keys come all the while
        ended.append(True)

    def hammer():
        begun.wait()
        for _ in range(200):
            send()
            time.sleep(0.0005)
        hammered.set()

    def heard(number, frame):
        if not ended:  # the last one may be late, which is not what is tested
            raise KeyboardInterrupt

    thread = threading.Thread(target=hammer)
    thread.start()
    usual = signal.signal(signal.SIGINT, heard)
    try:
        with pytest.raises(KeyboardInterrupt):
            worker.run(call, event.set)
        assert ended
        assert signal.getsignal(signal.SIGINT) is heard
    finally:
        ended.append(True)
        thread.join()
        signal.signal(signal.SIGINT, usual)


def test_worker_leaves_the_handler_of_the_process():
    """gdb's own, which Python does not know of: signal.signal() would put Python's in its place."""
    import ctypes
    libc = ctypes.CDLL(None)
    libc.signal.restype, libc.signal.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
    heard = []
    ours = ctypes.CFUNCTYPE(None, ctypes.c_int)(heard.append)
    address = ctypes.cast(ours, ctypes.c_void_p).value
    pythons = libc.signal(signal.SIGINT, address)
    try:
        assert worker.run(lambda: 7, lambda: None) == 7
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        assert heard == [signal.SIGINT]
    finally:
        assert libc.signal(signal.SIGINT, pythons) == address


def test_worker_cancels_again_until_heard():
    """A cancel before the call has begun is lost in the library, so it is repeated."""
    event = threading.Event()
    calls = []

    def cancel():
        calls.append(True)
        if len(calls) == 3:
            event.set()

    thread = threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        worker.run(slow(event), cancel)
    thread.join()
    assert len(calls) >= 3


def test_worker_leaves_sigterm_to_its_handler():
    event = threading.Event()
    heard = []
    old = signal.signal(signal.SIGTERM, lambda *_: heard.append(event.is_set()))
    thread = threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM))
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            worker.run(slow(event), event.set)
        assert heard == [True]
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, old)


def test_worker_waits_for_the_call_when_tick_fails():
    event = threading.Event()
    with pytest.raises(OSError):
        worker.run(slow(event), event.set, tick=lambda: os.stat("/no/such"))
    assert event.is_set()


# ---- progress ----


def test_meter_is_patient_and_not_hasty():
    now = [0.0]
    meter = Meter(lambda: now[0])
    progress = Progress("reading arenas", 10, 40)
    assert meter.line(progress) is None
    now[0] = PATIENCE
    assert meter.line(progress) == "reading arenas 25 %"
    now[0] += INTERVAL / 2
    assert meter.line(progress) is None
    assert meter.line(None) is None
    now[0] = 4.0
    assert meter.line(progress) == "reading arenas 25 %, about 12 s left"


def test_describe():
    assert describe(Progress("opening", 0, 0), 3.0) == "opening"
    assert describe(Progress("unpacking", 5, 0), 3.0) == "unpacking 5"
    assert describe(Progress("linking", 0, 100), 9.0) == "linking 0 %"
    assert describe(Progress("linking", 130, 100), 9.0) == "linking 100 %, about 0 s left"


# ---- files ----


def test_save(tmp_path):
    """Whole or not at all, with the rights a new file gets or an old one has; through a link, and into a device."""
    target, link = tmp_path / "out", tmp_path / "link"
    old = os.umask(0o027)
    try:
        save(os.fsencode(str(target)), b"first")
    finally:
        os.umask(old)
    assert target.read_bytes() == b"first" and target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o600)
    link.symlink_to(target)
    save(os.fsencode(str(link)), b"second")
    assert link.is_symlink() and target.read_bytes() == b"second" and target.stat().st_mode & 0o777 == 0o600
    save(b"/dev/null", b"third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]


def test_save_fails_in_one_line(tmp_path):
    with pytest.raises(PyleakError, match="cannot write .*/no/such/out .No such file or directory"):
        save(os.fsencode(str(tmp_path / "no" / "such" / "out")), b"")


# ---- completion ----

GRAMMAR = Grammar("TYPE", [
    Option("--generation", []), Option("--format", ["text", "json", "csv"]), Option("--output", []),
    Option("--match", []), Option("--no-progress", None), Option("--help", None),
])
NAMES = ["__main__.Thing", "builtins.dict", "dict"]


def types(prefix):
    return [name for name in NAMES if name.startswith(prefix)]


@pytest.mark.parametrize("before, current, found", [
    ([], "", NAMES),
    ([], "buil", ["builtins.dict"]),
    (["dict"], "", ["--generation", "--format", "--output", "--match", "--no-progress", "--help"]),
    (["dict"], "d", []),
    ([], "--f", ["--format"]),
    ([], "--format=j", ["--format=json"]),
    ([], "--no-progress=", []),
    ([], "--no-such=x", []),
    (["--format"], "", ["text", "json", "csv"]),
    (["--format"], "c", ["csv"]),
    (["--format", "csv"], "d", ["dict"]),
    (["--no-progress"], "d", ["dict"]),
    (["--match"], "__", ["__main__.Thing"]),
    (["--generation"], "", []),
])
def test_complete(before, current, found):
    assert complete(GRAMMAR, before, current, types) == found


def test_complete_takes_only_the_arguments_there_are():
    assert complete(Grammar("", GRAMMAR.options), [], "d", types) == []
    assert complete(Grammar("ADDRESS", GRAMMAR.options), [], "d", types) == []
    assert complete(Grammar("ADDRESS|TYPE", GRAMMAR.options), [], "d", types) == ["dict"]
    assert complete(Grammar("TYPE [TYPE]", GRAMMAR.options), ["dict"], "d", types) == ["dict"]


def test_complete_files(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("out.txt", "out.json", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "outer").mkdir()
    assert complete(GRAMMAR, ["--output"], "out", types) == ["out.json", "out.txt", "outer/"]
    assert complete(GRAMMAR, ["--output"], "", types) == ["out.json", "out.txt", "outer/"]
    assert complete(GRAMMAR, ["--output"], ".h", types) == [".hidden"]
    assert complete(GRAMMAR, ["--output"], "~/out.j", types) == ["~/out.json"]
    assert complete(GRAMMAR, ["--output"], "no/such/", types) == []


@pytest.mark.parametrize("words, given", [
    (["--help"], True), (["dict", "--he"], True), (["--h"], True), (["--"], False), (["--helpful"], False),
    (["-h"], False), ([], False),
])
def test_option_given(words, given):
    assert GRAMMAR.given("--help", words) is given


# ---- "info files" ----

ANSWER = """Symbols from "/usr/bin/python3.11".
Local core dump file:
\t`/tmp/it's a core', file type elf64-x86-64.
\t0x0000000000400000 - 0x000000000041f000 is load1
\tWhile running this, GDB does not access memory from...
Local exec file:
\t`/usr/bin/python3.11', file type elf64-x86-64.
\tEntry point: 0x60ca10
"""


def test_file_named():
    assert file_named(ANSWER, "Local core dump file") == "/tmp/it's a core"
    assert file_named(ANSWER, "Local exec file") == "/usr/bin/python3.11"
    assert file_named("", "Local core dump file") is None
    assert file_named(ANSWER.replace("a core", "a\ncore"), "Local core dump file") == "/tmp/it's a\ncore"


# ---- binding and session, on the real library ----


@pytest.fixture(scope="module")
def library():
    if gdb.missing():
        pytest.skip(gdb.missing())
    return Library(str(gdb.LIBRARY))


def test_library_that_is_none(tmp_path):
    with pytest.raises(PyleakError, match="cannot load"):
        Library(str(tmp_path / "none.so"))
    other = __import__("_ctypes").__file__
    with pytest.raises(PyleakError, match="pyleak_version"):
        Library(other)


def test_registry(library):
    assert {"types", "gc", "info", "instances"} <= set(library.analyses())
    assert library.arguments("types") == ""
    assert library.arguments("instances") == "TYPE"
    options = {option.name: option.values for option in library.options("types")}
    assert options["--format"] == ["text", "json", "csv"]
    assert options["--limit"] == []
    assert options["--no-progress"] is None
    assert "usage: py-leak-types" in library.help("types")
    assert library.summary("types")


def test_handle_answers_and_fails_in_its_own_words(library, tmp_path):
    handle = Handle(library, Target(str(tmp_path / "no core here")))
    try:
        handle.configure()
        missing = handle.run(["types"])
        assert missing.status == 3
        assert "no core here" in missing.error
        assert missing.hint and missing.output == ""
        misused = handle.run(["types", "--no-such-option"])
        assert misused.status == 2
        assert "--no-such-option" in misused.error
        assert handle.complete_type("a", 10, True) == []
        assert handle.progress() is None
    finally:
        handle.close()


def test_handle_needs_a_library_that_knows_its_options(library, monkeypatch, tmp_path):
    monkeypatch.setattr("ctypes.sizeof", lambda _: 8)
    handle = Handle(library, Target(str(tmp_path / "core")))
    try:
        with pytest.raises(PyleakError, match="do not fit"):
            handle.configure()
    finally:
        handle.close()


def test_session_keeps_one_core(library, core_of, monkeypatch, tmp_path):
    """The same file is opened once; another one, or a new file of the same name, takes its place."""
    made = core_of("system", "minimal")
    opened, closed, told = [], [], []
    original = Handle.close
    monkeypatch.setattr(Handle, "close", lambda handle: (closed.append(handle), original(handle)))
    copy = tmp_path / "core"
    os.link(str(made.path), str(copy)) if same_device(made.path, tmp_path) else copy.write_bytes(made.path.read_bytes())
    session = Session(library)

    def run(target):
        result = session.run(target, ["types", "--match", "__main__.Thing"], 0, False, lambda _: None, told.append)
        opened.append(session._handle)
        return result

    assert run(Target(str(made.path))).status == 0
    first = "".join(told)
    assert "__main__.Thing" in first
    run(Target(str(made.path)))
    assert opened[0] is opened[1] and not closed
    run(Target(str(copy)))
    assert closed == opened[:1]
    copy.unlink()
    copy.write_bytes(made.path.read_bytes()[:4096])
    told.clear()
    run(Target(str(copy)))
    assert "".join(told) != first
    assert closed == opened[1:3]
    session.close()
    assert closed == opened[1:4]


def test_session_tells_what_is_ready(library, core_of, monkeypatch):
    """All but the last section of triage comes before the end; together it is what a call that waits has."""
    target = Target(str(core_of("system", "minimal").path))
    session = Session(library)
    told, early = [], []

    def tell(piece):
        told.append(piece)
        if session._handle.progress() is not None:  # it still runs
            early.append(piece)

    monkeypatch.setattr(worker, "STEP", 0.001)  # the core is small
    try:
        for _ in range(50):  # on a busy machine the run may have ended before this thread looked at it
            session.close()
            told.clear()
            assert session.run(target, ["triage"], 0, False, lambda _: None, tell).output == ""
            if early:
                break
        assert "How it died" in early[0] and "What the heap tells" not in early[0]
        session._handle.configure()
        assert session._handle.run(["triage"]).output == "".join(told)
        told.clear()
        assert session.run(target, ["triage", "--limit", "x"], 0, False, lambda _: None, tell).error
        assert not told
    finally:
        session.close()


def test_session_tells_in_pieces(library, core_of):
    """However long a result is, it is never one string; a Ctrl-C in the middle of it ends the run."""
    target = Target(str(core_of("system", "minimal").path))
    session = Session(library)
    told = []

    def once(text):
        told.append(text)
        raise KeyboardInterrupt

    words = ["instances", "*", "--format", "json"]
    try:
        session.run(target, words, 0, False, lambda _: None, told.append)
        assert len(told) > 10 and max(map(len, told)) <= 64 << 10
        session._handle.configure()
        assert session._handle.run(words).output == "".join(told)
        told.clear()
        with pytest.raises(KeyboardInterrupt):
            session.run(target, words, 0, False, lambda _: None, once)
        assert len(told) == 1
        assert session.run(target, ["info"], 0, False, lambda _: None, told.append).status == 0
    finally:
        session.close()


def same_device(one, other):
    return os.stat(str(one)).st_dev == os.stat(str(other)).st_dev


def test_session_completes_types(library, core_of):
    made = core_of("system", "minimal")
    session = Session(library)
    try:
        target = Target(str(made.path), made.meta["exe"])
        assert session.types(target, "__main__.Th", 10) == ["__main__.Thing"]
        assert len(session.types(target, "", 5)) == 5
    finally:
        session.close()
