"""Runs the pyleak binary of the checkout."""

import json
import os
import subprocess
from pathlib import Path
from typing import List, Optional, Union

from support.cores import Core

CHECKOUT = Path(__file__).resolve().parents[3]
PYLEAK = CHECKOUT / os.environ.get("PYLEAK_BUILD", "build") / "bin" / "pyleak"
TIMEOUT = 300


class Result:
    """status (exit code), stdout and stderr (text), command; json: stdout as JSON (ValueError if
    it is not)."""

    def __init__(self, command: List[str], status: int, stdout: str, stderr: str):
        self.command = command
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    @property
    def json(self) -> dict:
        return json.loads(self.stdout)

    def rows(self, table: str) -> List[dict]:
        """The rows of a table of the JSON document."""
        return self.json["tables"][table]["rows"]

    def __repr__(self) -> str:
        return "<%s: %d\n%s\n%s>" % (" ".join(self.command), self.status, self.stdout[-2000:],
                                     self.stderr[-2000:])


def run(analysis: str, core: Union[Core, Path, str], *options: str, status: Optional[int] = 0,
        input: Optional[bytes] = None) -> Result:
    """`pyleak ANALYSIS [what the core's meta.json says] OPTIONS CORE`; asserts the exit status
    unless it is None.

    core: a made core, or the path of any file (then nothing is added), or "-" with input.
    """
    known = core.options if isinstance(core, Core) else []
    path = core.path if isinstance(core, Core) else core
    command = [str(PYLEAK), analysis] + known + list(options) + [str(path)]
    done = subprocess.run(command, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT)
    result = Result(command, done.returncode, done.stdout.decode("utf-8"),
                    done.stderr.decode("utf-8", "replace"))
    assert status is None or result.status == status, result
    return result
