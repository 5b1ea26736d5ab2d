"""What the collector said of a core's heap: the files of cores/programs/collected.py."""

import json
import re
import struct
from typing import Dict, List, Set

from support.cores import Core


def addresses(core: Core, name: str) -> Set[int]:
    """The addresses of NAME.bin."""
    if (core.folder / "collected.error").exists():
        raise AssertionError((core.folder / "collected.error").read_text())
    return {one for one, in struct.iter_unpack("<Q", (core.folder / (name + ".bin")).read_bytes())}


def summary(core: Core) -> dict:
    """collected.json."""
    return json.loads((core.folder / "collected.json").read_text())


def type_names(core: Core) -> Dict[int, str]:
    """{address: type} as the collector printed them."""
    text = (core.folder / "collector.log").read_text(errors="replace")
    return {int(address, 16): name for name, address in re.findall(
        r"^gc: \w+ <(.*?)(?: instance at)? (0x[0-9a-f]+)>$", text, re.MULTILINE)}


def rings(core: Core) -> Dict[str, dict]:
    """known["rings"], addresses as numbers."""
    return {name: dict(ring, addresses=[int(one, 16) for one in ring["addresses"]])
            for name, ring in core.truth["known"].get("rings", {}).items()}


def difference(core: Core, found: Dict[int, str], wanted: Set[int], most: int = 8) -> List[str]:
    """What is missing in found ({address: type}) and what should not be there, by type, each type
    with some addresses and the names of rings; [] if they are equal."""
    names = type_names(core)
    ringed = {address: name for name, ring in rings(core).items() for address in ring["addresses"]}
    lines = []
    for word, which, types in (("missing", wanted - set(found), names),
                               ("extra", set(found) - wanted, found)):
        by_type: Dict[str, List[str]] = {}
        for address in sorted(which):
            said = "%#x" % address
            if address in ringed:
                said += " (%s)" % ringed[address]
            by_type.setdefault(types.get(address, "?"), []).append(said)
        lines += ["%s: %d of %s: %s" % (word, len(those), name, ", ".join(those[:most]))
                  for name, those in sorted(by_type.items())]
    return lines
