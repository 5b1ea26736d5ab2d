"""The heap of the benchmarks: a cache of session records that is never emptied, about --objects
objects of it.

One record is OBJECTS_A_RECORD objects: an instance, two lists, two dicts, a tuple, three strings
and an int, some of them bigger in some records.  About 0.1 GB for a million objects.  --truth
writes the truth too (not the closure).
"""

import argparse
import gc
import random

import truth

OBJECTS_A_RECORD = 10
CACHE = {}


class Record(object):
    def __init__(self, number, draw):
        self.key = "session-%09d" % number
        self.number = number + 1000
        self.history = ["/page/%d" % draw]
        self.headers = {"user-agent": "agent", "accept": [draw & 255]}
        self.address = ("10.0.%d.%d" % (draw & 127, number & 255), 443, self.history)


def fill(objects, seed):
    """Add records to CACHE until it holds about that many objects."""
    random.seed(seed)
    draws = [random.randrange(1 << 20) for _ in range(4096)]
    for number in range(objects // OBJECTS_A_RECORD):
        record = Record(number, draws[number & 4095])
        if draws[number & 4095] & 31 == 0:
            record.history.extend(range(100000, 100000 + (draws[number & 4095] & 127)))
        CACHE[record.key] = record
        if draws[number & 4095] & 7 == 0 and number > 10:
            victim = CACHE["session-%09d" % (number // 2)]
            victim.history = victim.history + ["/again"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--truth", action="store_true")
    given = parser.parse_args()
    gc.disable()
    fill(given.objects, given.seed)
    gc.enable()
    if given.truth:
        truth.die(closure=False,
                  known={"types": {"__main__.Record": given.objects // OBJECTS_A_RECORD}})
    truth.crash()


if __name__ == "__main__":
    main()
