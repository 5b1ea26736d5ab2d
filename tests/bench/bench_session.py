"""How long questions take in a session that has its graph already, as in gdb.

    python3 tests/bench/bench_session.py LIBRARY CORE

One line: seconds of the slowest `referrers` and of the slowest `path` of an ordinary object, and of
the object that most others refer to (every record refers to its class).
"""

import json
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gdbext"))

from pyleak_gdb.lib import binding  # noqa: E402

ORDINARY = ["__main__.Record", "dict", "list", "tuple", "str", "int", "function", "module", "code", "NoneType"]
RECORD = "<class '__main__.Record'>"


class Session:
    def __init__(self, library, core):
        self.handle = binding.Handle(binding.Library(library), binding.Target(core))
        self.handle.configure()

    def run(self, *words):
        """(seconds, output) of one analysis that must succeed."""
        start = time.perf_counter()
        result = self.handle.run(words)
        seconds = time.perf_counter() - start
        assert result.status == 0, (words, result.error)
        return seconds, result.output

    def instances(self, name, limit):
        output = self.run("instances", name, "--format", "json", "--limit", str(limit))[1]
        return json.loads(output)["tables"]["instances"]["rows"]


def main():
    session = Session(*sys.argv[1:])
    ordinary = [row["address"] for name in ORDINARY for row in session.instances(name, 5)]
    hub = [row["address"] for row in session.instances("type", 0) if row["repr"] == RECORD]
    session.run("referrers", ordinary[0])  # builds the graph
    slowest = []
    for addresses in ordinary, hub:
        for analysis in "referrers", "path":
            slowest.append(max(session.run(analysis, address)[0] for address in addresses))
    print(*slowest)


if __name__ == "__main__":
    main()
