"""Runs gdb_gc_walk.py in gdb on a made core."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import List, Optional

from support.cores import Core

SCRIPT = Path(__file__).with_name("gdb_gc_walk.py")


def walk(core: Core) -> Optional[List[dict]]:
    """What gdb_gc_walk.py prints; None if there is no gdb, or gdb finds no debug symbols for
    this interpreter."""
    if not shutil.which("gdb"):
        return None
    command = ["gdb", "-batch", "-nx", "-iex", "set debuginfod enabled off", "-iex",
               "set auto-load off"]
    for option, setting in (("sysroot", "sysroot"), ("debug_dir", "debug-file-directory")):
        if core.meta[option]:
            command += ["-iex", "set %s %s" % (setting, core.meta[option])]
    command += ["-x", str(SCRIPT), core.meta["exe"], str(core.path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=120)
    found = [line for line in done.stdout.splitlines() if line.startswith("[{")]
    return json.loads(found[-1]) if found else None
