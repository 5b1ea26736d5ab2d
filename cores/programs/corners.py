"""C types of the library in the corners that extensions.py leaves out: those of few programs, those
whose tp_traverse forgets something, and classes that derive from them.

Runs on Python 2.7 and 3.6 or newer.
"""

import codecs
import io
import sys

import truth

KEEP = []
text = type(u"")


def optional(name):
    try:
        return __import__(name, fromlist=["*"])
    except ImportError:
        return None


def handle(error):
    return (u"?", error.end)


def make_codecs():
    codecs.register_error("held handler", handle)
    name = "".join(["held ", "handler"])
    for errors in ("strict", name):
        KEEP.extend([
            codecs.getincrementalencoder("euc_jp")(errors),
            codecs.getincrementaldecoder("euc_jp")(errors),
            codecs.getreader("euc_jp")(io.BytesIO(b"read"), errors),
            codecs.getwriter("euc_jp")(io.BytesIO(), errors),
            codecs.getincrementalencoder("utf-8")(errors), codecs.getreader("utf-8")(io.BytesIO()),
        ])
    waiting = codecs.getincrementalencoder("euc_jisx0213")()
    waiting.encode(u"\u304b")
    KEEP.append(waiting)
    multibyte = optional("_multibytecodec")
    codec = codecs.getincrementalencoder("big5").codec

    class Decoder(multibyte.MultibyteIncrementalDecoder):
        pass

    Decoder.codec = codec
    held = Decoder(name)
    held.extra = ["held"]
    KEEP.append(held)


def make_picklers():
    pickle = optional("_pickle") or optional("cPickle")
    data = pickle.dumps([["held", number] for number in range(3)], 2)
    reading = pickle.Unpickler(io.BytesIO(data + data))
    writing = pickle.Pickler(io.BytesIO(), 2)
    try:
        reading.persistent_load = lambda name: [name]
        writing.persistent_id = lambda obj: None
    except AttributeError:  # in 3.13.0 alone they could not be set
        pass
    reading.load()
    writing.dump([["held"], {"a": ["held"]}])
    quick = pickle.Pickler(io.BytesIO(), 2)
    quick.fast = True
    quick.dump([["held"]])
    KEEP.extend([reading, writing, quick])


def called(number):
    return len([number]) + sum(range(number))


def make_profiler():
    profiler = optional("_lsprof")
    if not profiler:
        return
    holder = profiler.Profiler()
    holder.enable()
    for number in range(9):
        called(number)
        (lambda: number)()
        sorted([number])
    holder.disable()
    KEEP.append(holder)


def make_running_loop():
    asyncio = optional("asyncio")
    running = getattr(optional("asyncio.events"), "_set_running_loop", None)
    if asyncio and running:
        loop = asyncio.new_event_loop()
        KEEP.append(loop)
        running(loop)


def make_zstd():
    zstd = optional("compression.zstd")
    if not zstd:
        return
    words = zstd.ZstdDict(b"words of a dictionary" * 20, is_raw=True)

    compressed = zstd.compress(b"held" * 100)
    done = zstd.ZstdDecompressor()
    done.decompress(compressed + b"unused data after it")
    KEEP.extend([words, zstd.ZstdCompressor(zstd_dict=words),
                 zstd.ZstdDecompressor(zstd_dict=words), done])


LAZY = """
def make(keep):
    import typing
    T = typing.TypeVar("T", bound=list)
    U = typing.TypeVar("U", int, str)
    keep.extend([T, U])
    for variable, name in (T, "evaluate_bound"), (U, "evaluate_constraints"):
        if hasattr(variable, name):
            keep.append(getattr(variable, name))
    try:
        source = "type Alias[V: (int, str), W: list = list, *X, **Y] = dict[V, W]"
        names = {}
        exec(source, names)
        keep.extend([names["Alias"], names["Alias"].evaluate_value])
        keep.extend(names["Alias"].__type_params__)
    except (SyntaxError, AttributeError):
        pass
"""


def make_typing():
    if sys.version_info >= (3, 6):
        names = {}
        exec(LAZY, names)
        names["make"](KEEP)


def make_unicode():
    unicodedata = optional("unicodedata")
    KEEP.append(unicodedata.ucd_3_2_0)
    if hasattr(unicodedata, "iter_graphemes"):
        walking = unicodedata.iter_graphemes("".join(["a", "\u0308", "bc"]))
        KEEP.extend([next(walking), walking])


def make_ssl():
    ssl = optional("ssl")
    if not ssl or not hasattr(ssl, "SSLContext"):
        return
    context = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_SERVER", ssl.PROTOCOL_SSLv23))
    for name, value in (("sni_callback", lambda *args: None), ("_msg_callback", lambda *args: None),
                        ("keylog_filename", "/dev/null")):
        if hasattr(context, name):
            setattr(context, name, value)
    for name in ("set_servername_callback", "set_psk_client_callback", "set_psk_server_callback"):
        if hasattr(context, name) and not (hasattr(context, "sni_callback") and
                                           "servername" in name):
            try:
                getattr(context, name)(lambda *args: None)
            except (ssl.SSLError, NotImplementedError):
                pass
    KEEP.append(context)


def make_interpreters():
    queues, channels = optional("_interpqueues"), optional("_interpchannels")
    for module in queues, channels:
        for arguments in ((), (2,), (2, 0), (3,), (3, 3), (2, 3), (2, 3, 0)) if module else ():
            try:
                KEEP.append(module.create(*arguments))
                break
            except (TypeError, ValueError):
                pass


WAITING = """
import types
async def numbers():
    held = ["held"]
    yield held
    yield 2
async def one(future):
    return await future
class Future:
    def __await__(self):
        yield self
@types.coroutine
def old():
    yield ["held"]
async def uses(old):
    await old()
def make(keep):
    for make in ("asend", "athrow", "aclose"):
        walking = numbers()
        arguments = {"asend": ([1],), "athrow": (ValueError, ValueError("held")), "aclose": ()}
        if make == "asend":
            walking.asend(None).__await__()
            arguments = {"asend": (None,)}
        keep.extend([walking, getattr(walking, make)(*arguments[make])])
    waiting = one(Future())
    waiting.send(None)
    using = uses(old)
    using.send(None)
    generator = old()
    next(generator)
    keep.extend([waiting, one(Future()).__await__(), using, generator, old()])
    try:
        keep.append(anext(numbers(), ["default"]))
        keep.append(anext(numbers(), ["default"]).__await__())
    except (NameError, AttributeError):
        pass
"""


def make_waiting():
    if sys.version_info >= (3, 6):
        names = {}
        exec(WAITING, names)
        names["make"](KEEP)


def make_views():
    raw = bytearray(b"exported")
    view = memoryview(raw)
    KEEP.extend([view, view[1:5]])
    if hasattr(view, "cast"):
        KEEP.extend([view[1:5][::2], view.cast("B", (2, 4))])
    for module in ("_curses", "datetime", "unicodedata", "pyexpat", "_decimal", "_socket"):
        found = optional(module)
        KEEP.extend(value for name, value in sorted(vars(found).items())
                    if type(value).__name__ == "PyCapsule") if found else None


def closing():
    first, second = ["first"], ["second"]

    def closed():
        return second, first
    return closed, first, second


def name_edges():
    """[{name, address, edges}] of what must be called so: see holding.py."""
    closed, first, second = closing()
    stream = io.BytesIO(b"read")
    reader = codecs.getreader("euc_jp")(stream)
    pickle = optional("_pickle") or optional("cPickle")
    pickler = pickle.Pickler(io.BytesIO(), 2)
    named = [("closure", closed, [("closure first", "borrowed", first),
                                  ("closure second", "borrowed", second)]),
             ("reader", reader, [(".stream", "strong", stream)])]
    if sys.version_info[0] == 2:
        memo = pickler.memo
        named.append(("pickler", pickler, [(".memo", "strong", memo)]))
    KEEP.append(named)
    return [{"name": name, "address": hex(id(obj)).rstrip("L"),
             "edges": [(edge, kind, hex(id(target)).rstrip("L")) for edge, kind, target in wanted]}
            for name, obj, wanted in named]


def main():
    make_codecs()
    make_picklers()
    make_profiler()
    make_zstd()
    make_typing()
    make_unicode()
    make_ssl()
    make_interpreters()
    make_waiting()
    make_views()
    make_running_loop()
    truth.die({"edges": name_edges()})


main()
