"""What code is made of and leaves behind: functions, methods, descriptors, code, frames, generators,
tracebacks, exceptions; each with what it refers to by name.

known: edges, as in holding.py.  What no attribute hands out is not among them; gc.get_referents() in
referents.bin says that much of it.

Runs on Python 2.7 and 3.6 or newer.
"""

import sys

import truth

PY2 = sys.version_info[0] == 2

HELD = []

SINCE_3 = '''
import types
def make(hold):
    def keyword_only(a: "annotated" = one, *, b=two) -> "returned":
        return a, b
    hold("keyword-only function", keyword_only, {
        ".__kwdefaults__": keyword_only.__kwdefaults__, ".__defaults__": keyword_only.__defaults__,
        ".__qualname__": keyword_only.__qualname__})
    class Owner:
        @staticmethod
        def static(): pass
        @classmethod
        def of_class(cls): pass
    hold("method of a class", Owner.of_class, {".__self__": Owner})
    hold("instance method", Owner().of_class)
    hold("static method with a dict", with_dict(Owner.__dict__["static"]))
    hold("class method", Owner.__dict__["of_class"], {".__func__": Owner.of_class.__func__})
    for name, attributes, raise_it in [
            ("chained", "__cause__ __context__ __traceback__ args", "raise_chained"),
            ("StopIteration", "value args", "raise StopIteration(one)"),
            ("SystemExit", "code", "raise SystemExit(one)"),
            ("OSError", "errno strerror filename filename2",
             "__import__('os').rename('/no/such', '/no/such either')"),
            ("FileNotFoundError", "errno strerror filename", "open('/no/such')"),
            ("ImportError", "name path msg", "from os import nothing_there"),
            ("ModuleNotFoundError", "name msg", "import no_such_module"),
            ("SyntaxError", "msg filename lineno offset text print_file_and_line", "x ="),
            ("KeyError", "args", "{}[1000000]"),
            ("UnicodeEncodeError", "encoding object reason", "chr(8364).encode('ascii')"),
            ("UnicodeDecodeError", "encoding object reason", "bytes([255]).decode('ascii')"),
            ("UnicodeTranslateError", "object reason",
             "raise UnicodeTranslateError('text', 1, 2, 'reason')")]:
        hold_exception(hold, name, attributes, raise_it)
    async def coroutine(first):
        held = ["held by a coroutine"]
        return await pause(held)
    @types.coroutine
    def pause(value):
        kept = [value]
        yield kept
    async def numbers(limit):
        held = ["held by an async generator"]
        for number in limit:
            yield number
    begun = coroutine(one)
    begun.send(None)
    hold_running("coroutine", begun, "cr", {"local first": one, "<stack 0>": begun.cr_await})
    hold("named coroutine", begun, {".__name__": begun.__name__})
    hold_running("coroutine not begun", coroutine(two), "cr", {"local first": two})
    waited = coroutine(one)
    hold("coroutine wrapper", waited.__await__(), {"<coroutine>": waited})
    generator = numbers(two)
    hold("asend", generator.asend(one), {"<async generator>": generator, "<value to send>": one})
    hold("anext", generator.__anext__(), {"<async generator>": generator})
    hold("athrow", generator.athrow(ValueError), {"<async generator>": generator})
    hold("aclose", generator.aclose(), {"<async generator>": generator})
    hold_running("async generator", generator, "ag", {"local limit": two})
    try:
        iterated = numbers(two)
        iterated.__anext__().send(None)
    except StopIteration:
        hold_running("async generator begun", iterated, "ag", {"local limit": two})
    def delegating(inner):
        result = yield from inner
    inner = iter(two)
    outer = delegating(inner)
    next(outer)
    hold_running("generator that delegates", outer, "gi", {"local inner": inner, "<stack 0>": inner})
    def handling():
        try:
            raise ValueError(one)
        except ValueError as error:
            yield error
    caught = handling()
    error = next(caught)
    hold_running("generator that handles an exception", caught, "gi", {"local error": error})
    if sys.version_info >= (3, 7):
        hold("what it handles", caught, {"<handled exception>": error})

def raise_chained():
    try:
        raise KeyError(one)
    except KeyError as error:
        raise ValueError(two) from error

def with_dict(made):
    made.attribute = one
    return made
'''

SINCE_3_10 = '''
def make(hold):
    hold_exception(hold, "AttributeError", "name obj", "one.nothing")
    hold_exception(hold, "NameError", "name", "nothing_of_that_name")
    hold_exception(hold, "SyntaxError with an end", "end_lineno end_offset", "f(x for x in y, 1)")
    async def numbers():
        yield 1
    generator = numbers()
    hold("anext with a default", anext(generator, one), {"<default>": one})
    hold("builtins of a function", make, {".__builtins__": make.__builtins__})
'''

SINCE_3_11 = '''
def make(hold):
    group = ExceptionGroup("group", [ValueError(one)])
    repr(group)
    group.add_note("noted")
    hold("ExceptionGroup", group, {".message": group.message, ".exceptions": group.exceptions})
    code = make.__code__
    hold("code of 3.11", code, {".co_qualname": code.co_qualname, ".co_linetable": code.co_linetable,
                                ".co_exceptiontable": code.co_exceptiontable,
                                ".co_code": code.co_code})
'''

SINCE_3_12 = '''
def make(hold):
    def generic[T](value: T) -> T:
        return value
    hold("generic function", generic, {".__type_params__": generic.__type_params__})
    code = make.__code__
    hold("code of 3.12", code, {".co_varnames": code.co_varnames, ".co_cellvars": code.co_cellvars,
                                ".co_freevars": code.co_freevars})
'''

SINCE_3_13 = '''
import sys
def make(hold):
    def finished():
        held = ["held by a frame"]
        return sys._getframe()
    frame = finished()
    proxy = frame.f_locals
    proxy["added"] = one
    proxy["held"] = two
    hold("proxy of locals", proxy, {"<frame>": frame})
    hold("frame that was written to", frame, {".f_code": frame.f_code, "local held": two})
'''

SINCE_3_14 = '''
def make(hold):
    def annotated(a: undefined_name) -> undefined_name:
        pass
    hold("lazily annotated", annotated, {".__annotate__": annotated.__annotate__})
'''

SOURCES = [((3, 0), SINCE_3), ((3, 10), SINCE_3_10), ((3, 11), SINCE_3_11), ((3, 12), SINCE_3_12),
           ((3, 13), SINCE_3_13), ((3, 14), SINCE_3_14)]


def hold(name, made, edges=()):
    """Keep an object with edges {edge: target}, all strong."""
    HELD.append((name, made, dict(edges)))


def hold_exception(into, name, attributes, raise_it):
    """raise_it: source, or the name of a function, that raises it."""
    space = dict(globals())
    try:
        if raise_it in space:
            space[raise_it]()
        else:
            exec(compile(raise_it, "raising.py", "exec"), space)
    except BaseException as caught:
        into(name, caught, dict(("." + attribute, getattr(caught, attribute))
                                for attribute in attributes.split()
                                if getattr(caught, attribute) is not None))


def hold_running(name, made, prefix, edges):
    """A generator of any kind: up to 3.10 its frame object has what it holds, then it itself."""
    if sys.version_info < (3, 11):
        frame = getattr(made, prefix + "_frame")
        hold(name, made, {".%s_frame" % prefix: frame})
        hold("frame of " + name, frame, edges)
    else:
        hold(name, made, edges)
    hold(name + " again", made, {".%s_code" % prefix: getattr(made, prefix + "_code")})


def address_of(obj):
    return "0x%x" % id(obj)


def known():
    return {"edges": [{"name": name, "address": address_of(made),
                       "edges": [[edge, "strong", address_of(target)]
                                 for edge, target in sorted(edges.items())]}
                      for name, made, edges in HELD]}


one, two = ["one"], ["two"]


def defined(first=one, second=two):
    """Documented."""
    def inner():
        return first, second, one
    inner.attribute = two
    return inner


class Owner(object):
    __slots__ = ("left",)

    def method(self):
        return self

    @staticmethod
    def static():
        pass

    @property
    def value(self):
        """Documented too."""

    @value.setter
    def value(self, new):
        pass

    @value.deleter
    def value(self):
        pass


def counting(limit):
    held = {"in": "generator"}
    for number in limit:
        yield number, held


def kept_by_its_frame(depth):
    local = ["local", depth]
    cell = ["in a cell"]

    def inner():
        return cell
    if depth:
        return kept_by_its_frame(depth - 1)
    raise ValueError(local, inner)


def make_functions():
    inner = defined()
    function = "__code__ __globals__ __name__ __module__ __closure__ __dict__".split()
    hold("inner function", inner, dict((".%s" % name, getattr(inner, name)) for name in function))
    hold("function", defined, {".__defaults__": defined.__defaults__, ".__doc__": defined.__doc__})
    hold("cell", inner.__closure__[0], {".cell_contents": inner.__closure__[0].cell_contents})
    owner = Owner()
    bound = owner.method
    hold("bound method", bound, {".__func__": bound.__func__, ".__self__": owner})
    if PY2:
        hold("unbound method", Owner.method, {".im_class": Owner})
    hold("static method", Owner.__dict__["static"], {".__func__": Owner.static})
    value = Owner.__dict__["value"]
    hold("property", value, {".fget": value.fget, ".fset": value.fset, ".fdel": value.fdel,
                             ".__doc__": value.__doc__})
    hold("bound builtin method", one.append, {".__self__": one})
    hold("builtin function", len)
    hold("builtin class method", dict.fromkeys, {".__self__": dict})
    for name, descriptor, owner in [
            ("method descriptor", list.append, list), ("slot wrapper", list.__len__, list),
            ("class method descriptor", dict.__dict__["fromkeys"], dict),
            ("member descriptor", Owner.left, Owner), ("getset descriptor", int.real, int)]:
        hold(name, descriptor, {".__objclass__": owner, ".__name__": descriptor.__name__})
    hold("method wrapper", one.__len__, {".__self__": one})


def make_code():
    code = defined.__code__
    names = "co_consts co_names co_filename co_name".split()
    if sys.version_info < (3, 11):
        names += "co_code co_varnames co_freevars co_cellvars".split()
        names += ["co_lnotab" if sys.version_info < (3, 10) else "co_linetable"]
    hold("code", code, dict((".%s" % name, getattr(code, name)) for name in names))


def make_generators():
    begun = counting(one)
    next(begun)
    hold_running("generator", begun, "gi", {"local limit": one})
    hold_running("generator not begun", counting(two), "gi", {"local limit": two})
    finished = counting([])
    list(finished)
    hold("finished generator", finished)
    looked_at = counting(two)
    next(looked_at)
    hold("generator with a frame object", looked_at, {".gi_frame": looked_at.gi_frame})


def make_tracebacks():
    try:
        kept_by_its_frame(3)
    except ValueError as caught:
        traceback = sys.exc_info()[2]
        hold("exception", caught, {".args": caught.args})
    for _ in range(2):
        hold("traceback", traceback,
             {".tb_next": traceback.tb_next, ".tb_frame": traceback.tb_frame})
        traceback = traceback.tb_next
    while traceback.tb_next:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    edges = {".f_code": frame.f_code, ".f_back": frame.f_back, "local local": caught_local(frame)}
    if sys.version_info < (3, 11):
        edges.update({".f_globals": frame.f_globals, ".f_builtins": frame.f_builtins})
    hold("frame", frame, edges)


def caught_local(frame):
    return frame.f_locals["local"]


def make_versions():
    for since, source in SOURCES:
        if sys.version_info >= since:
            space = dict(globals())
            exec(compile(source, "source.py", "exec"), space)
            globals().update((name, space[name]) for name in ("raise_chained",) if name in space)
            space["make"](hold)


def main():
    make_functions()
    make_code()
    make_generators()
    make_tracebacks()
    make_versions()
    truth.die(known(), dict(("%d %s" % (number, row[0]), row[1]) for number, row in enumerate(HELD)))


main()
