"""The collector off, with thresholds of its own, a filled gc.garbage, and rings that nobody will
ever collect."""

import gc

import truth

RINGS = 500


class Ring(object):
    pass


class Saved(object):
    pass


def drop_ring(cls, length):
    """Make a cycle of that many instances and let go of it."""
    members = [cls() for _ in range(length)]
    for one, two in zip(members, members[1:] + members[:1]):
        one.next = two


gc.collect()
gc.set_debug(gc.DEBUG_SAVEALL)
for _ in range(20):
    drop_ring(Saved, 3)
gc.collect()
gc.set_debug(0)
gc.set_threshold(1234, 5, 6)
gc.disable()
for _ in range(RINGS):
    drop_ring(Ring, 4)
kept = [one for one in gc.garbage if isinstance(one, Saved)]
gc.garbage[:] = kept
del kept

truth.die(known={"types": {"__main__.Ring": 4 * RINGS, "__main__.Saved": 60}})
