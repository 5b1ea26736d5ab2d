"""Reads the answer of gdb's "info files", which before gdb 17 is the only one to name the core."""

import re
from typing import Optional


def file_named(answer: str, heading: str) -> Optional[str]:
    """The file under a heading such as "Local core dump file", or None.

    The path may hold blanks, quotes and line ends, and gdb escapes none of them: it ends where a line
    ends in "', file type FORMAT.".
    """
    section = re.search(r"^%s:\n\t`(.*?)', file type [\w.-]+\.$" % re.escape(heading), answer, re.M | re.S)
    return section.group(1) if section else None
