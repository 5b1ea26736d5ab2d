"""gc.freeze(): some objects in the permanent generation, some born after it.  Python 3.7 or
newer."""

import gc

import truth


class Frozen(object):
    def __init__(self):
        self.peers = []


class Later(object):
    def __init__(self):
        self.peers = []


EARLY = [Frozen() for _ in range(1000)]
gc.collect()
gc.freeze()
LATE = [Later() for _ in range(500)]
gc.collect()
YOUNG = [Later() for _ in range(50)]

truth.die(known={"types": {"__main__.Frozen": 1000, "__main__.Later": 550},
                 "tracked": {"__main__.Frozen": 0, "__main__.Later": 550},
                 "permanent": {"__main__.Frozen": 1000, "__main__.Later": 0}},
          marked={"frozen": EARLY[0], "later": LATE[0], "young": YOUNG[0]})
