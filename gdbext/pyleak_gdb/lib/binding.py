"""ctypes on libpyleak.so: pyleak.h in Python's terms, and nothing more.

Text comes out as str and results as plain values, so nothing here outlives the C memory it was
read from. Threads: as in pyleak.h, one call at a time per handle; cancel() and progress() may be
called from another thread meanwhile.
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from typing import List, NamedTuple, Optional, Sequence

from .errors import PyleakError


class _Options(ctypes.Structure):
    """struct pyleak_options"""

    _fields_ = [
        ("size", c_size_t),
        ("core", c_char_p),
        ("exe", c_char_p),
        ("sysroot", c_char_p),
        ("debug_dir", c_char_p),
        ("threads", c_uint),
        ("columns", c_uint),
        ("colour", c_int),
        ("output", c_int),
        ("max_unpacked", c_uint64),
    ]


_PROTOTYPES = {
    "pyleak_version": (c_char_p,),
    "pyleak_new": (c_void_p,),
    "pyleak_free": (None, c_void_p),
    "pyleak_set_options": (c_int, c_void_p, POINTER(_Options)),
    "pyleak_run": (c_void_p, c_void_p, c_int, POINTER(c_char_p)),
    "pyleak_result_status": (c_int, c_void_p),
    "pyleak_result_output": (c_void_p, c_void_p, POINTER(c_size_t)),
    "pyleak_result_output_file": (c_char_p, c_void_p),
    "pyleak_result_picture": (c_char_p, c_void_p),
    "pyleak_result_error": (c_char_p, c_void_p),
    "pyleak_result_hint": (c_char_p, c_void_p),
    "pyleak_result_note": (c_char_p, c_void_p, c_size_t),
    "pyleak_result_free": (None, c_void_p),
    "pyleak_cancel": (None, c_void_p),
    "pyleak_progress": (c_char_p, c_void_p, POINTER(c_uint64), POINTER(c_uint64)),
    "pyleak_analysis": (c_char_p, c_size_t),
    "pyleak_analysis_summary": (c_char_p, c_char_p),
    "pyleak_analysis_help": (c_char_p, c_char_p, c_char_p),
    "pyleak_analysis_arguments": (c_char_p, c_char_p),
    "pyleak_analysis_option": (c_char_p, c_char_p, c_size_t, POINTER(c_char_p)),
    "pyleak_complete_type": (c_char_p, c_void_p, c_char_p, c_size_t, c_int),
}


def _text(given: Optional[bytes]) -> str:
    return (given or b"").decode("utf-8", "backslashreplace")


def raw(text: str) -> bytes:
    """A word or path as the library takes it. Not os.fsencode(): gdb makes str from UTF-8 even where
    the locale that Python started in cannot say it."""
    return text.encode("utf-8", "surrogateescape")


class Option(NamedTuple):
    """An option of an analysis: values is None for a flag, empty for free text, or the choices."""

    name: str
    values: Optional[List[str]]


class Progress(NamedTuple):
    """What a running call does; total 0 is unknown."""

    stage: str
    done: int
    total: int


class Result(NamedTuple):
    """All that a run had to say; output is empty when it went to a descriptor."""

    status: int
    output: str
    output_file: Optional[bytes]
    picture: str  # "svg" or "png" when the output is DOT to be put through Graphviz, else empty
    error: str
    hint: str
    notes: List[str]


class Target(NamedTuple):
    """What a handle stands for."""

    core: str
    exe: Optional[str] = None
    sysroot: Optional[str] = None
    debug_dir: Optional[str] = None


class Library:
    """A loaded libpyleak.so: its registry of analyses, and new handles."""

    def __init__(self, path: str) -> None:
        try:
            self.c = ctypes.CDLL(path)
            for name, (result, *arguments) in _PROTOTYPES.items():
                function = getattr(self.c, name)
                function.restype = result
                function.argtypes = arguments
        except (OSError, AttributeError) as error:
            raise PyleakError(
                "pyleak: cannot load %s: %s" % (path, error),
                "build it again with make, or set PYLEAK_LIB to the library's path",
            ) from None

    def version(self) -> str:
        return _text(self.c.pyleak_version())

    def analyses(self) -> List[str]:
        names: List[str] = []
        while True:
            name = self.c.pyleak_analysis(len(names))
            if name is None:
                return names
            names.append(_text(name))

    def summary(self, analysis: str) -> str:
        return _text(self.c.pyleak_analysis_summary(analysis.encode()))

    def help(self, analysis: str) -> str:
        return _text(self.c.pyleak_analysis_help(analysis.encode(), b"gdb"))

    def arguments(self, analysis: str) -> str:
        return _text(self.c.pyleak_analysis_arguments(analysis.encode()))

    def options(self, analysis: str) -> List[Option]:
        found: List[Option] = []
        while True:
            values = c_char_p()
            name = self.c.pyleak_analysis_option(analysis.encode(), len(found), byref(values))
            if name is None:
                return found
            choices = None if values.value is None else _text(values.value).split()
            found.append(Option(_text(name), choices))


class Handle:
    """One core, opened by the first run. close() it, and not while a call of it still runs."""

    def __init__(self, library: Library, target: Target) -> None:
        self._c = library.c
        self._p = self._c.pyleak_new()
        if not self._p:
            raise PyleakError("pyleak: out of memory")
        self._target = target

    def close(self) -> None:
        self._c.pyleak_free(self._p)
        self._p = None

    def configure(self, columns: int = 0, colour: bool = False, output: int = 0) -> None:
        """How text looks from the next run on, and the descriptor that takes what is printed, 0 for
        none; the core stays read."""
        core, exe, sysroot, debug_dir = (raw(path) if path else None for path in self._target)
        options = _Options(ctypes.sizeof(_Options), core, exe, sysroot, debug_dir, 0, columns, colour, output, 0)
        if self._c.pyleak_set_options(self._p, byref(options)) != 0:
            raise PyleakError(
                "pyleak: the library and the gdb extension do not fit each other",
                "install both from one version",
            )

    def run(self, argv: Sequence[str]) -> Result:
        """argv[0] is the analysis. Long: run it on a worker thread."""
        words = [raw(word) for word in argv]
        result = self._c.pyleak_run(self._p, len(words), (c_char_p * len(words))(*words))
        try:
            return self._read(result)
        finally:
            self._c.pyleak_result_free(result)

    def _read(self, result: int) -> Result:
        length = c_size_t()
        output = self._c.pyleak_result_output(result, byref(length))
        notes: List[str] = []
        while True:
            note = self._c.pyleak_result_note(result, len(notes))
            if note is None:
                break
            notes.append(_text(note))
        return Result(
            self._c.pyleak_result_status(result),
            _text(ctypes.string_at(output, length.value)) if output else "",
            self._c.pyleak_result_output_file(result),
            _text(self._c.pyleak_result_picture(result)),
            _text(self._c.pyleak_result_error(result)),
            _text(self._c.pyleak_result_hint(result)),
            notes,
        )

    def cancel(self) -> None:
        """Ask the running call to stop. A call that has not begun yet does not hear it: ask again."""
        self._c.pyleak_cancel(self._p)

    def progress(self) -> Optional[Progress]:
        done, total = c_uint64(), c_uint64()
        stage = self._c.pyleak_progress(self._p, byref(done), byref(total))
        return None if stage is None else Progress(_text(stage), done.value, total.value)

    def complete_type(self, prefix: str, most: int, now: bool) -> List[str]:
        """At most `most` type names that start with prefix; with now the core is read for it."""
        found: List[str] = []
        while len(found) < most:
            name = self._c.pyleak_complete_type(self._p, raw(prefix), len(found), now)
            if name is None:
                break
            found.append(_text(name))
        return found
