"""pyleak in gdb at a terminal: Ctrl-C, progress, completion, the pager, colours."""

import os
import re
import signal
import time

import pytest

from support import gdb

pytestmark = gdb.needed

# Makes every analysis endless, with the real library at work all the time: it reads the core again and
# again, until a run says that it was cancelled. So no test has to hit a moment on a machine of unknown speed.
ENDLESS = """python
import pyleak_gdb.lib.binding as binding
run = binding.Handle.run
def endless(handle, argv):
    for number in range(10 ** 9):
        handle._target = handle._target._replace(debug_dir="/%d" % number)
        handle.configure()
        result = run(handle, argv)
        if result.status:
            return result
binding.Handle.run = endless
end
"""
SINGLE = "python binding.Handle.run = run"
# On top of it: what the library prints before its end counts only while the first run is at work; the
# runs after it print to nobody.
AT_WORK = """python
import pyleak_gdb.lib.relay as relay
piece, at_work = relay.Relay.piece, []
def first(handle, argv):
    at_work.append(True)
    try:
        result = run(handle, argv)
    finally:
        at_work.clear()
    return result if result.status else endless(handle, argv)
binding.Handle.run = first
relay.Relay.piece = lambda self: piece(self) if at_work else ""
end
"""
PROMPTLY = 0.2 * (os.cpu_count() or 1)  # seconds of processor: what is promised, of each; other programs do not count


@pytest.fixture(scope="module")
def made(core_of):
    return core_of("system", "minimal")


@pytest.fixture(scope="module")
def mixed(core_of):
    return core_of("system", "mixed")


@pytest.fixture(scope="module")
def big(core_of):
    """A million objects: one run takes longer than Ctrl-C may."""
    return core_of("system", "big")


@pytest.fixture
def endless(tmp_path):
    path = tmp_path / "endless.gdb"
    path.write_text(ENDLESS)
    return "source %s" % path


def plain(text):
    """Without what readline sends around a line."""
    return re.sub(r"\x1b\[\?2004[hl]\r?", "", text).replace("\r\n", "\n")


def is_quit(line):
    """gdb's one word for it; gdb 17 may put a picture before it."""
    return re.match(r"\W*Quit$", line) is not None


# ---- Ctrl-C ----


def test_interrupt(big, endless):
    """Cancelled within 0.2 s, with one word; then all works again."""
    with gdb.terminal(big, [endless]) as terminal:
        for delay in (0.3, 0.41, 0.53, 0.66, 0.8):
            terminal.type("py-leak-types --no-progress\n")
            terminal.expect("--no-progress")
            time.sleep(delay)
            before = terminal.seconds_of_processor()
            terminal.type("\x03")
            answer = plain(terminal.expect(gdb.PROMPT))
            assert terminal.seconds_of_processor() - before < PROMPTLY
            said, prompt = answer.replace("^C", "").strip().split("\n")
            assert is_quit(said) and prompt == gdb.PROMPT.strip()
        assert "= 42" in terminal.command("print 6*7")
        terminal.command(SINGLE)
        assert re.search(r"__main__\.Record +100,000 ", terminal.command("py-leak-types --match __main__.Record"))


def test_what_is_known_is_shown_at_once(big, endless, tmp_path):
    """The death of `triage` stands on the screen while the heap of a million objects is looked through."""
    at_work = tmp_path / "at_work.gdb"
    at_work.write_text(AT_WORK)
    with gdb.terminal(big, [endless, "source %s" % at_work]) as terminal:
        terminal.type("py-leak-triage\n")
        early = plain(terminal.expect("threads:"))
        terminal.type("\x03")
        rest = plain(terminal.expect(gdb.PROMPT))
        assert "How it died" in early
        assert "What the heap tells" not in early + rest
        said = rest.replace("^C", "").strip().split("\n")[-2]
        assert is_quit(said.split("\r")[-1])  # progress may have stood there
        terminal.command(SINGLE)
        whole = terminal.command("py-leak-triage")
        assert whole.count("How it died") == whole.count("What the heap tells") == 1


def test_interrupt_hammered(made, endless):
    """An impatient user presses it many times; the ones too many are gdb's, as at an empty prompt."""
    with gdb.terminal(made, [endless]) as terminal:
        terminal.type("py-leak-types\n")
        time.sleep(0.7)
        for _ in range(10):
            terminal.type("\x03")
        assert "Quit" in terminal.expect(gdb.PROMPT)
        terminal.type("print 6*7\n")
        terminal.expect("= 42")  # behind the prompts of all the keys
        terminal.expect(gdb.PROMPT)
        terminal.command(SINGLE)
        assert "__main__.Thing" in terminal.command("py-leak-types --match __main__.Thing")


def test_interrupt_of_the_first_run_opens_the_core_again(made, endless):
    """A core that was given up half read is read anew, not taken for whole."""
    with gdb.terminal(made, [endless]) as terminal:
        terminal.type("py-leak-types\n")
        time.sleep(0.3)
        terminal.type("\x03")
        terminal.expect(gdb.PROMPT)
        terminal.command(SINGLE)
        first = terminal.command("py-leak-types --no-progress")
    with gdb.terminal(made) as terminal:
        assert terminal.command("py-leak-types --no-progress") == first


def test_termination_ends_gdb(made, endless):
    """SIGTERM stops the analysis, then gdb goes the way it goes without us."""
    with gdb.terminal(made, [endless]) as terminal:
        terminal.type("py-leak-types --no-progress\n")
        terminal.expect("--no-progress")
        time.sleep(0.3)
        os.kill(terminal.pid, signal.SIGTERM)
        with pytest.raises(OSError):  # the terminal's other end is closed: gdb is gone
            terminal.expect("never said", 10)


# ---- progress ----


def test_progress_is_shown_and_wiped_out(made, endless):
    with gdb.terminal(made, [endless]) as terminal:
        terminal.type("py-leak-types\n")
        terminal.wait(r"\r[a-z][a-z ]+ *\r[a-z]")  # two lines of progress, one over the other
        terminal.type("\x03")
        answer = plain(terminal.expect(gdb.PROMPT)).replace("^C", "")
        lines = answer.split("\n")[1].split("\r")
        shown = [line for line in lines if line.strip() and not is_quit(line)]
        assert shown and all(re.match(r"[a-z][a-z' ]*( \d+( %.*)?)?$", line.rstrip()) for line in shown)
        assert is_quit(lines[-1]) and lines[-2].strip() == "" and len(lines[-2]) >= len(shown[-1].rstrip())


@pytest.mark.parametrize("how", ["--no-progress", "from a script"])
def test_no_progress(how, made, endless, tmp_path):
    script = tmp_path / "script.gdb"
    script.write_text("py-leak-types\n")
    line = "py-leak-types --no-progress" if how == "--no-progress" else "source %s" % script
    with gdb.terminal(made, [endless]) as terminal:
        terminal.type(line + "\n")
        time.sleep(1.5)
        terminal.type("\x03")
        answer = plain(terminal.expect(gdb.PROMPT)).replace("^C", "")
        assert is_quit(answer.split("\n")[1])


# ---- completion ----


@pytest.mark.parametrize("typed, completed", [
    ("py-leak-inst\t", "py-leak-instances "),
    ("py-leak-types --form\t", "py-leak-types --format "),
    ("py-leak-types --format j\t", "py-leak-types --format json "),
    ("py-leak-types --format=j\t", "py-leak-types --format=json "),
    ("py-leak-instances __main__.Th\t", "py-leak-instances __main__.Thing "),
    ("py-leak-types --match __main__.Th\t", "py-leak-types --match __main__.Thing "),
])
def test_tab(typed, completed, made):
    with gdb.terminal(made) as terminal:
        terminal.type(typed)
        assert plain(terminal.expect(completed, 20)).endswith(completed)


def test_complete_lists(made, tmp_path):
    (tmp_path / "result.json").touch()
    with gdb.terminal(made, ["cd %s" % tmp_path]) as terminal:
        answer = plain(terminal.command("complete py-leak-instances builtins.dict_"))
        names = [line.split()[1] for line in answer.split("\n") if line.startswith("py-leak-instances ")]
        assert {"builtins.dict_keys", "builtins.dict_values"} <= set(names)
        assert "py-leak-types --output result.json\n" in plain(terminal.command("complete py-leak-types --output res"))
        answer = plain(terminal.command("complete py-leak-types --format "))
        assert [line.split()[-1] for line in answer.split("\n") if line.startswith("py-leak")] == ["csv", "json", "text"]


def test_names_that_gdb_would_break(mixed):
    """A local class has "<locals>" in its name, where gdb's completion begins a new word."""
    with gdb.terminal(mixed) as terminal:
        answer = plain(terminal.command("complete py-leak-instances ctypes.CDLL.__init__.<lo"))
        assert "\npy-leak-instances ctypes.CDLL.__init__.<locals>._FuncPtr\n" in answer


def test_tab_without_a_core():
    with gdb.terminal(None) as terminal:
        answer = plain(terminal.command("complete py-leak-instances d"))
        assert answer == "complete py-leak-instances d\n" + gdb.PROMPT


# ---- where the result goes ----


def test_pager(made):
    """The result is paged as gdb's own is, and "q" ends it."""
    with gdb.terminal(made, ["set height 20"]) as terminal:
        terminal.type("py-leak-types --limit 200\n")
        terminal.expect("--Type <RET> for more")
        terminal.type("q\n")
        assert "Quit" in terminal.expect(gdb.PROMPT)
        assert "__main__.Thing" in terminal.command("py-leak-types --match __main__.Thing")


def test_colour(made):
    """On a terminal that shows it, unless gdb or the user says no; never where a program reads the text."""
    printing = "python print(repr(gdb.execute('py-leak-types', to_string=True)))"
    with gdb.terminal(made) as terminal:
        assert "\x1b[" in plain(terminal.command("py-leak-types"))
        assert "\x1b[" not in plain(terminal.command("pipe py-leak-types | cat"))
        assert "\\x1b" not in terminal.command(printing)
        terminal.command("set style enabled off")
        assert "\x1b[" not in plain(terminal.command("py-leak-types"))
    with gdb.terminal(made, NO_COLOR="1") as terminal:
        assert "\x1b[" not in plain(terminal.command("py-leak-types"))


def test_width(made):
    """Text uses the width that gdb has."""
    with gdb.terminal(made, ["set width 60", "set style enabled off"]) as terminal:
        narrow = table(terminal.command("py-leak-types"))
        terminal.command("set width 100")
        assert table(terminal.command("py-leak-types")) != narrow
        assert max(map(len, narrow)) <= 60


def table(answer):
    lines = plain(answer).split("\n")
    return [line for line in lines if re.match(r"(type|builtins\.\S+|total) ", line)]
