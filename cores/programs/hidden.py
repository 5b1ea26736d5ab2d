"""Objects that C code alone holds, by the extension module leakext (tests/e2e/ext/leakext.c), which
must be on PYTHONPATH.

truth.json's "known" is {"paths": {name: {"address", "path"}}} as of chains.py.
"""

import os

import leakext

import truth

PATHS = {}


class Marked(object):
    pass


def mark(name, path=""):
    obj = Marked()
    PATHS[name] = {"address": hex(id(obj)).rstrip("L"), "path": path}
    return obj


leakext.keep(mark("static data", "<native leakext.so leakext_kept+0x0>"))
where = leakext.hide([0, mark("malloc'd struct")])
PATHS["malloc'd struct"]["path"] = "<malloc block 0x%x+0x8>[1]" % where
BLIND = leakext.Blind(mark("instance without tp_traverse", "__main__.BLIND<native +0x10>"),
                      mark("struct of an instance without tp_traverse",
                           "__main__.BLIND<native +0x18>"))
OPEN = leakext.Open(mark("instance with tp_traverse", "__main__.OPEN<native +0x10>"),
                    mark("struct of an instance with tp_traverse", "__main__.OPEN<native +0x18>"))


def end(address):
    PATHS["C stack"] = {"address": hex(address).rstrip("L"),
                        "path": "<stack of thread %d *" % os.getpid()}
    truth.die(known={"paths": PATHS})


leakext.hold(Marked, end)
