"""Dies with one object in one list a hundred thousand times.

truth.json holds only "known": address of the object, times.

Runs on Python 2.7 and 3.6 or newer.
"""

import json
import os
import signal

TIMES = 100000


class Shared(object):
    pass


SHARED = Shared()
HOLDER = [SHARED] * TIMES


def main():
    with open("truth.json", "w") as out:
        json.dump({"known": {"address": id(SHARED), "times": TIMES}}, out)
    with open("dying", "w") as out:
        out.write("%d\n" % os.getpid())
    if os.environ["PYLEAK_DEATH"] == "pause":
        signal.pause()
    os.abort()


main()
