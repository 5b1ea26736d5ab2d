"""Keeps the collector from starting by itself in the next few allocations."""

import gc

MARGIN = 200
ROUNDS = 100


def settle():
    """Let an automatic collection that is nearly due happen now; inside a collection none can
    come, so give up."""
    for _ in range(ROUNDS):
        threshold = gc.get_threshold()[0]
        if not gc.isenabled() or threshold == 0 or gc.get_count()[0] + MARGIN < threshold:
            return
        [[] for _ in range(2 * MARGIN)]
