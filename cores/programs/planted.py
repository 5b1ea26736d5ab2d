"""Dies with secrets in every kind of place, so that `triage` can be asked to tell none of them.

known
    hidden   {place: text} of no telling shape: must not be in what triage says unless --values
    masked   {place: text} that looks like a secret: must not be in it even then
    kept     names of functions and files that triage does show

Runs on Python 2.7 and 3.6 or newer.
"""

import gc
import json
import os
import sys
import threading
import time

HIDDEN = {
    "argument": sys.argv[1], "environment": os.environ["APP_PLANTED"],
    "str": "quelle-of-a-str", "bytes": b"quelle-of-bytes".decode(), "key": "quelle-of-a-key",
    "local": "quelle-of-a-local", "exception": "quelle-of-an-exception",
    "cause": "quelle-of-a-cause", "thread": "quelle-of-a-thread", "task": "quelle-of-a-task",
    "number": "8675309867", "attribute": "quelle_of_an_attribute_value",
    "cycle": "quelle-of-a-cycle", "global": "quelle-of-a-global", "set": "quelle-of-a-set",
}
MASKED = {
    "argument": "--password=planted-argument", "key": "AKIAPLANTEDPLANTED12",
    "local": "ghp_planted0planted0planted0planted0pla", "exception": "token=planted-exception",
    "cause": "eyJhbGciOiJQTEFOVEVEIn0.eyJwbGFudGVkIjoxMjN9.cGxhbnRlZC1zaWduYXR1cmU",
    "thread": "4111111111111111", "task": "sk_live_planted0planted0",
}
FILE = "/home/planted/private/app.py"
TASK = """
import asyncio

async def waiting():
    await asyncio.sleep(1000)

async def main(name, then):
    task = asyncio.ensure_future(waiting())
    if hasattr(task, "set_name"):
        task.set_name(name)
    await asyncio.sleep(0)
    then()
"""
SOURCE = """
def handle_request(password, number, then):
    local = password
    session = {local: number}
    then()
"""


class Session(object):
    def __init__(self, number):
        self.name = "%s %d" % (HIDDEN["attribute"], number)
        self.secret = HIDDEN["str"] + str(number)
        self.raw = (HIDDEN["bytes"] + str(number)).encode()


class Ring(object):
    pass


CACHE = {}
GLOBAL = HIDDEN["global"]
NUMBER = int(HIDDEN["number"])
SET = {HIDDEN["set"], NUMBER}


def both(place):
    return "%s and %s" % (HIDDEN[place], MASKED[place])


def fill():
    gc.disable()
    for number in range(5000):
        CACHE["%s of %d" % (both("key"), number)] = Session(number)
        ring = Ring()
        ring.me = ring
        setattr(ring, "text", HIDDEN["cycle"])


def die():
    with open("truth.json", "w") as out:
        json.dump({"known": {"hidden": HIDDEN, "masked": MASKED,
                             "kept": ["handle_request", FILE]}}, out, indent=1, sort_keys=True)
    with open("dying", "w") as out:
        out.write("%d\n" % os.getpid())
    try:
        try:
            raise KeyError(both("cause"))
        except KeyError:
            raise ValueError(both("exception"))
    except ValueError:
        os.abort()


def handle():
    names = {}
    exec(compile(SOURCE, FILE, "exec"), names)
    names["handle_request"](both("local"), NUMBER, die)


def main():
    fill()
    thread = threading.Thread(target=time.sleep, args=(1000,), name=both("thread"))
    thread.daemon = True
    thread.start()
    if sys.version_info < (3, 7):
        handle()
    names = {}
    exec(TASK, names)
    names["asyncio"].run(names["main"](both("task"), handle))


main()
