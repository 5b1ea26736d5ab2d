"""Instances of the C types of the standard library that hold objects, in the states in which they
hold the most: used half, with every optional member set.

KEEP holds them by what made them; what a version or a build lacks is left out.
"""

import collections
import csv
import ctypes
import datetime
import functools
import io
import itertools
import json
import operator
import re
import struct
import sys
import threading

import truth

KEEP = {}
PY3 = sys.version_info[0] > 2


def optional(name):
    try:
        return __import__(name, fromlist=["*"])
    except ImportError:
        return None


def advanced(iterator, steps=1):
    for _ in range(steps):
        next(iterator, None)
    return iterator


def marked(number=0):
    """A list that nothing else holds."""
    return ["held", number]


def items(count=4):
    return [marked(number) for number in range(count)]


def make_itertools():
    tools = [
        itertools.count(2 ** 70, 2 ** 65), itertools.count(0.5, 0.25),
        itertools.count(3), advanced(itertools.cycle(items()), 2),
        advanced(itertools.cycle(items(2)), 5),
        itertools.repeat(marked()), itertools.repeat(marked(), 5),
        advanced(itertools.chain(items(), items()), 5), itertools.chain.from_iterable([items()]),
        advanced(itertools.compress(items(), items())),
        advanced(itertools.dropwhile(lambda one: False, items())),
        advanced(itertools.takewhile(lambda one: True, items())),
        advanced(itertools.islice(items(), 1, 9)),
        advanced(itertools.starmap(lambda *one: one, items())),
        advanced(itertools.product(items(), items()), 2), itertools.product(items(), repeat=2),
        advanced(itertools.permutations(items(), 2)), itertools.permutations(items()),
        advanced(itertools.combinations(items(), 2)),
        advanced(itertools.combinations_with_replacement(items(), 2)),
    ]
    groups = itertools.groupby(items(), key=lambda one: [len(one)])
    tools.extend([groups, next(groups), itertools.groupby(items())])
    one, two = itertools.tee(iter(items(80)))
    advanced(one, 70)
    advanced(two, 3)
    tools.extend([one, two])
    if PY3:
        tools.extend([
            advanced(itertools.filterfalse(lambda one: None, items())),
            advanced(itertools.zip_longest(items(), items(2), fillvalue=marked()), 3),
            advanced(itertools.accumulate(items(), lambda left, right: left + right), 2),
        ])
        if sys.version_info >= (3, 8):
            tools.append(itertools.accumulate(items(), operator.add, initial=marked()))
    else:
        tools.extend([
            advanced(itertools.ifilterfalse(lambda one: None, items())),
            advanced(itertools.ifilter(lambda one: 1, items())),
            advanced(itertools.izip_longest(items(), items(2), fillvalue=marked()), 3),
            advanced(itertools.izip(items(), items())),
            advanced(itertools.imap(lambda *one: one, items(), items())),
        ])
    if hasattr(itertools, "pairwise"):
        tools.append(advanced(itertools.pairwise(items())))
    if hasattr(itertools, "batched"):
        tools.append(advanced(itertools.batched(items(), 2)))
    KEEP["itertools"] = tools


def make_functions():
    part = functools.partial(sorted, marked(), key=marked)
    part.extra = marked()
    made = [part, functools.cmp_to_key(lambda one, two: 0), operator.itemgetter("a"),
            operator.itemgetter("a", 1), operator.attrgetter("a.b", "c"),
            operator.methodcaller("name", marked(), key=marked())]
    if PY3:
        made.append(functools.cmp_to_key(lambda one, two: 0)(marked()))
        for size in (None, 0, 3):
            cached = functools.lru_cache(maxsize=size)(lambda *args, **named: [args])
            for number in range(6):
                cached(number)
                cached("two", number)
                cached(1, key=number)
            cached.extra = marked()
            made.append(cached)
    if hasattr(functools, "Placeholder"):
        made.append(functools.partial(sorted, functools.Placeholder, 2))
    called = operator.methodcaller("append", marked())
    called([])
    made.append(called)
    KEEP["functions"] = made


class Zone(datetime.tzinfo):
    def __init__(self):
        self.held = marked()

    def utcoffset(self, when):
        return datetime.timedelta(0)


class OwnTime(datetime.time):
    """Longer than a datetime."""


def make_datetime():
    zone = Zone()
    made = [zone, datetime.datetime(2020, 1, 1, tzinfo=zone), datetime.time(1, tzinfo=zone),
            datetime.datetime(2020, 1, 2), datetime.time(2), datetime.date(2020, 1, 1),
            datetime.timedelta(3)]
    if PY3:
        made.extend([datetime.timezone(datetime.timedelta(hours=3), "three"), datetime.timezone.utc,
                     datetime.timezone(datetime.timedelta(hours=4))])
    zoneinfo = optional("zoneinfo")
    if zoneinfo and zoneinfo.available_timezones():
        made.extend([zoneinfo.ZoneInfo("Europe/Paris"),
                     zoneinfo.ZoneInfo.no_cache("America/New_York")])
    KEEP["datetime"] = made


def make_io():
    text = u"one\ntwo\r\nthree\n" * 20
    data = io.BytesIO(b"held" * 100)
    data.extra = marked()
    string = io.StringIO(text, newline=u"\r\n")
    string.extra = marked()
    written = io.StringIO()
    written.write(u"accumulated")
    written.write(u"more")
    wrapped = io.TextIOWrapper(io.BufferedReader(io.BytesIO(text.encode("ascii"))),
                               encoding="utf-8", newline=None)
    wrapped.readline()
    wrapped.extra = marked()
    waiting = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="\r\n", errors="replace")
    waiting.write(u"pending")
    told = io.TextIOWrapper(io.BytesIO(text.encode("ascii")), encoding="ascii")
    told.read(3)
    raw = io.FileIO(__file__, "r")
    raw.extra = marked()
    reader = io.open(__file__, "rb")
    reader.readline()
    reader.extra = marked()
    made = [data, string, io.StringIO(), written, wrapped, waiting, told, raw, reader,
            io.open(__file__), io.open("/dev/null", "wb"), io.open("/dev/null", "w"),
            io.BufferedRWPair(io.BytesIO(), io.BytesIO()), io.BufferedRandom(io.BytesIO()),
            io.IncrementalNewlineDecoder(None, True), io.RawIOBase(), io.open("/dev/null", "wb", 0)]
    closed = io.StringIO(u"closed")
    closed.close()
    made.append(closed)
    if PY3:
        made.extend([data.getbuffer(), memoryview(data.getbuffer())])
    KEEP["io"] = made


class Pair(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("object", ctypes.py_object),
                ("link", ctypes.POINTER(ctypes.c_int)), ("numbers", ctypes.c_int * 3)]


class Outer(ctypes.Structure):
    _fields_ = [("pair", Pair), ("other", Pair)]


class Either(ctypes.Union):
    _fields_ = [("pair", Pair), ("number", ctypes.c_int)]


def make_ctypes():
    number = ctypes.c_int(5)
    pair = Pair(b"text held by a pair", marked(), ctypes.pointer(number))
    outer = Outer()
    outer.pair = pair
    outer.other.object = marked()
    callback_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_int)
    callback = callback_type(lambda *args: len(args))
    function = ctypes.PyDLL(None).Py_IncRef
    function.argtypes = [ctypes.py_object]
    function.restype = None
    function.errcheck = lambda *args: args
    function.extra = marked()
    checked = ctypes.PyDLL(None).PyList_New
    checked.restype = ctypes.py_object
    prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int)
    named = prototype(("Py_IsInitialized", ctypes.PyDLL(None)), ((1, "name", 5),))
    array = (ctypes.py_object * 3)(marked(), marked(), marked())
    KEEP["ctypes"] = [
        number, pair, outer, outer.pair, outer.pair.numbers, Either(), callback, callback_type,
        function, checked, named, array, (Pair * 2)(pair, pair),
        ctypes.pointer(pair), ctypes.byref(number), ctypes.c_char_p(b"bytes held"),
        ctypes.py_object(marked()), ctypes.cast(ctypes.pointer(number), ctypes.c_void_p),
        ctypes.cast(array, ctypes.POINTER(ctypes.py_object)), Pair.text, Pair.numbers,
        ctypes.create_string_buffer(b"buffer"), ctypes.PyDLL(None), ctypes.POINTER(Pair),
    ]


def make_threads():
    local = threading.local()
    local.here = marked()

    class Local(threading.local):
        def __init__(self, *args, **named):
            self.args = args
    thread_module = optional("_thread") or optional("thread")
    KEEP["threads"] = [local, Local(marked(), key=marked()), thread_module.allocate_lock(),
                       threading.RLock()]
    queue = optional("_queue")
    if queue:
        simple = queue.SimpleQueue()
        for number in range(20):
            simple.put(marked(number))
        for number in range(15):
            simple.get()
        for number in range(7):
            simple.put(marked(number))
        KEEP["threads"].extend([simple, queue.SimpleQueue()])


def make_text():
    pattern = re.compile(u"(?P<name>a)(b|c)+")
    match = pattern.match(u"abcb")
    match.regs
    scanner = pattern.scanner(u"abab") if hasattr(pattern, "scanner") else None
    scanner and scanner.match()
    csv.register_dialect("held", delimiter="|", lineterminator="<end>")
    reader = csv.reader(["a|b", 'c|d'], "held")
    next(reader)
    KEEP["text"] = [
        pattern, match, re.match(b"a", b"abc"), scanner, pattern.sub(r"\1-\2", u"ab"),
        reader, csv.writer(io.StringIO(), "held"), csv.get_dialect("held"),
        json.JSONDecoder(object_hook=marked, parse_float=marked,
                         object_pairs_hook=marked).scan_once,
        json.JSONDecoder().scan_once, iter(collections.deque(items())),
        reversed(collections.deque(items())), struct.Struct("<2i"),
    ]
    encoder = optional("_json")
    if encoder and hasattr(encoder, "make_encoder"):
        KEEP["text"].append(encoder.make_encoder({}, marked, json.encoder.encode_basestring_ascii,
                                                 None, ":", ",", False, False, True))
    if PY3:
        KEEP["text"].append(advanced(struct.iter_unpack("<i", b"12345678")))
    try:
        KEEP["text"].append(re._compile_template(pattern, r"\1-held-\2"))
    except (AttributeError, TypeError):
        pass
    array = optional("array")
    if array:
        KEEP["text"].append(iter(array.array("i", [1, 2])))
    point = collections.namedtuple("Point", "x y")
    KEEP["text"].extend([point.__dict__["x"], point(1, marked())])


def make_markup():
    tree = optional("xml.etree.ElementTree" if PY3 else "xml.etree.cElementTree")
    expat = optional("pyexpat")
    KEEP["markup"] = made = []
    if tree:
        root = tree.XML("<root a='1'>text<one b='2'/>tail<two>" + "<deep/>" * 9 + "</two></root>")
        builder = tree.TreeBuilder()
        builder.start("a", {"key": "value"})
        builder.data("text")
        parser = tree.XMLParser()
        parser.feed("<a x='1'>some <b/>")
        made.extend([root, tree.Element("empty"), advanced(root.iter(), 3),
                     advanced(root.iter("deep")), advanced(root.itertext()), builder, parser])
    if expat:
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda *args: None
        parser.CharacterDataHandler = marked
        parser.Parse(b"<a>text", False)
        made.append(parser)


def make_pickle():
    pickle = optional("_pickle") or optional("cPickle")
    if not pickle:
        return
    pickler = pickle.Pickler(io.BytesIO(), 2)
    pickler.dump([items(), {"a": marked()}])
    made = [pickler]
    if PY3:
        class Mine(pickle.Pickler):
            def persistent_id(self, obj):
                return None
        mine = Mine(io.BytesIO(), 2)
        mine.dump(items())
        mine.dispatch_table = {complex: marked}
        unpickler = pickle.Unpickler(io.BytesIO(pickle.dumps([items(), "x"] * 3, 2)))
        unpickler.load()
        made.extend([mine, pickler.memo, unpickler, unpickler.memo])
    KEEP["pickle"] = made


def make_async():
    asyncio = optional("asyncio")
    if not asyncio:
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    source = """
async def waiting(future, name):
    held = [name]
    return await future
async def failing():
    raise ValueError("failed")
async def returning(value):
    return value
async def cancelled(future):
    await future
"""
    names = {}
    exec(compile(source, "waiting.py", "exec"), names)
    future = loop.create_future()
    done, raised, called = (loop.create_future() for _ in range(3))
    done.set_result(marked())
    raised.set_exception(ValueError("held"))
    for _ in range(3):
        called.add_done_callback(lambda one: None)
    future.extra = marked()
    tasks = [loop.create_task(names["waiting"](future, number)) for number in range(3)]
    failed = loop.create_task(names["failing"]())
    returned = loop.create_task(names["returning"](marked()))
    stopped = loop.create_task(names["cancelled"](loop.create_future()))
    loop.call_later(0.01, stopped.cancel)
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    iterator = iter(called)
    next(iterator)
    gathered = asyncio.ensure_future(names["waiting"](asyncio.gather(called, future), 9), loop=loop)
    loop.call_soon(loop.stop)
    loop.run_forever()
    unstarted = loop.create_task(names["returning"](1))
    KEEP["async"] = [loop, future, done, raised, called, tasks, failed, returned, stopped, iterator,
                     gathered, unstarted, names]


def make_contexts():
    contextvars = optional("contextvars")
    if not contextvars:
        return
    many = [contextvars.ContextVar("variable %d" % number, default=marked())
            for number in range(90)]
    contexts, tokens = [], []
    for count in (0, 1, 3, 20, 90):
        context = contextvars.Context()
        for variable in many[:count]:
            tokens.append(context.run(variable.set, marked()))
        if count:
            tokens.append(context.run(many[0].set, marked()))
        contexts.append(context)
    walked = [advanced(iter(contexts[-1]), 3), advanced(iter(contexts[-1].items()), 3),
              advanced(iter(contexts[-1].values()), 3)]
    KEEP["contexts"] = [many, contexts, tokens, walked, contextvars.ContextVar("bare")]


def make_database():
    sqlite3 = optional("sqlite3")
    if not sqlite3:
        return
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("create table t (a, b)")
    connection.executemany("insert into t values (?, ?)", [(1, "one"), (2, "two"), (3, "three")])
    cursor = connection.execute("select a, b from t")
    row = cursor.fetchone()
    connection.create_function("held", 1, marked)
    if PY3:
        connection.set_trace_callback(marked)
    connection.set_progress_handler(lambda: 0, 1000)
    KEEP["database"] = [connection, cursor, row, connection.cursor()]


def make_network():
    ssl, socket, select = optional("ssl"), optional("_socket"), optional("select")
    made = [socket.socket(), select.poll(), select.epoll()]
    made[1].register(0)
    if ssl and hasattr(ssl, "SSLContext") and PY3:
        context = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_CLIENT", ssl.PROTOCOL_SSLv23))
        wrapped = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.org")
        serving = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_SERVER", ssl.PROTOCOL_SSLv23))
        serving.set_servername_callback(lambda *args: None)
        made.extend([context, wrapped, wrapped._sslobj, serving])
    KEEP["network"] = made


def make_others():
    made = []
    decimal = optional("decimal")
    context = decimal.Context(prec=5)
    made.extend([decimal.Decimal(3) / 7, context, context.traps, context.flags,
                 decimal.localcontext(context)])
    for name in ("zlib", "bz2", "lzma", "hashlib", "mmap", "_random"):
        module = optional(name)
        if module is None:
            continue
        if name == "zlib":
            inflater = zlib_used(module)
            made.extend([module.compressobj(), inflater])
        elif name == "bz2":
            made.extend([module.BZ2Compressor(), module.BZ2Decompressor()])
        elif name == "lzma":
            made.extend([module.LZMACompressor(), module.LZMADecompressor()])
        elif name == "hashlib":
            made.extend([module.md5(b"x"), module.sha256(b"x")])
        elif name == "mmap":
            made.append(module.mmap(-1, 4096))
        else:
            made.append(module.Random(5))
    os = optional("os")
    if hasattr(os, "scandir"):
        walked = os.scandir(".")
        entries = list(os.scandir("/usr"))
        [entry.stat() for entry in entries]
        made.extend([walked, entries])
    if PY3:
        types = optional("types")
        made.append(types.SimpleNamespace(held=marked()))
        abc = optional("abc")
        base = abc.ABCMeta("Base", (object,), {})
        base.register(int)
        isinstance(3, base)
        isinstance("3", base)
        made.append(base)
    KEEP["others"] = made


def zlib_used(zlib):
    inflater = zlib.decompressobj()
    inflater.decompress(zlib.compress(b"a" * 1000) + b"unused data after it", 10)
    return inflater


NAMED = []  # (name, object, [(edge, kind, target)])


def name_edges():
    """What edges of one object of each kind are called."""
    function, args, named, result = len, (marked(),), {"key": marked()}, marked()
    part = functools.partial(function, *args, **named)
    NAMED.append(("partial", part, [(".func", "strong", function), (".args", "strong", part.args),
                                    (".keywords", "strong", part.keywords)]))
    element = marked()
    NAMED.append(("repeat", itertools.repeat(element), [("<element>", "strong", element)]))
    iterator = iter(items())
    NAMED.append(("islice", itertools.islice(iterator, 3), [("<iterator>", "strong", iterator)]))
    raw = io.BytesIO(b"raw")
    reader = io.BufferedReader(raw)
    wrapper = io.TextIOWrapper(reader)
    NAMED.extend([("buffered", reader, [(".raw", "strong", raw)]),
                  ("text", wrapper, [(".buffer", "strong", reader)])])
    zone = Zone()
    NAMED.extend([("aware", datetime.datetime(2020, 1, 1, tzinfo=zone),
                   [(".tzinfo", "strong", zone)]),
                  ("aware time", OwnTime(1, tzinfo=zone), [(".tzinfo", "strong", zone)])])
    text = u"".join([u"a", u"b"])
    pattern = re.compile(u"(?P<first>.)b")
    NAMED.append(("match", pattern.match(text), [(".re", "strong", pattern),
                                                 (".string", "strong", text)]))
    held = ctypes.py_object(marked())
    NAMED.append(("pointer", held, [("._objects", "strong", held._objects)]))
    name_newer_edges(result)
    profiler = optional("_lsprof")
    if profiler:
        timer = functools.partial(float, 3)
        holder = profiler.Profiler(timer)
        NAMED.append(("profiler", holder, [("<timer>", "strong", timer)]))
    KEEP["named"] = NAMED


def name_newer_edges(result):
    queue, contextvars, tree = optional("_queue"), optional("contextvars"), optional("_elementtree")
    if queue:
        simple = queue.SimpleQueue()
        simple.put(None)
        simple.put(result)
        simple.get()
        if sys.version_info >= (3, 13):  # a list held it before
            NAMED.append(("queue", simple, [("[0]", "strong", result)]))
    if contextvars:
        variable = contextvars.ContextVar("variable", default=result)
        NAMED.append(("variable", variable, [("<default>", "strong", result)]))
    if tree and PY3:
        attributes = {"a": marked()}
        element, child = tree.Element("tag"), tree.Element("child")
        element.append(child)
        element.text = attributes["a"]
        NAMED.append(("element", element, [("[0]", "strong", child),
                                           (".text", "strong", attributes["a"])]))
    if "async" in KEEP:
        future, tasks = KEEP["async"][1], KEEP["async"][5]
        NAMED.append(("task", tasks[0], [("._fut_waiter", "strong", future)]))


def known():
    return {"edges": [{"name": name, "address": hex(id(obj)).rstrip("L"),
                       "edges": [(edge, kind, hex(id(target)).rstrip("L"))
                                 for edge, kind, target in wanted]}
                      for name, obj, wanted in NAMED]}


def main():
    make_itertools()
    make_functions()
    make_datetime()
    make_io()
    make_ctypes()
    make_threads()
    make_text()
    make_markup()
    make_pickle()
    make_async()
    make_contexts()
    make_database()
    make_network()
    make_others()
    name_edges()
    truth.die(known())


main()
