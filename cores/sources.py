"""Own builds of CPython from the source tarballs of a Debian archive."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

import debian
import matrix

TOOLS = ("gcc", "make", "tar", "nice")


def build(package: str, version: str, configure: Sequence[str], prefix: Path) -> None:
    """Build and install package_version.orig.tar.xz under prefix, with -O1 -g, on one core at the
    lowest priority.

    prefix is complete or not there at all; the build log stays beside it as PREFIX.log.
    matrix.Missing says what stands in the way.
    """
    for tool in TOOLS:
        if not shutil.which(tool):
            raise matrix.Missing("%s is not installed" % tool)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tarball = _download(package, version)
    work = Path(tempfile.mkdtemp(prefix=prefix.name + ".", dir=str(prefix.parent)))
    log = prefix.parent / (prefix.name + ".log")
    try:
        (work / "source").mkdir()
        steps = (
            ["tar", "-x", "--strip-components=1", "-f", str(tarball)],
            ["nice", "-n", "19", "./configure", "--prefix=%s" % prefix, "--without-ensurepip",
             "CFLAGS=-O1 -g"] + list(configure),
            ["nice", "-n", "19", "make", "-j1"],
            ["nice", "-n", "19", "make", "install", "DESTDIR=%s" % (work / "installed")],
        )
        with open(str(log), "wb") as out:
            for step in steps:
                if subprocess.run(step, cwd=str(work / "source"), stdout=out,
                                  stderr=out).returncode != 0:
                    raise matrix.Missing("%s failed: see %s" % (" ".join(step[-2:]), log))
        os.rename(str(work / "installed" / prefix.relative_to("/")), str(prefix))
    finally:
        shutil.rmtree(str(work), ignore_errors=True)


def _download(package: str, version: str) -> Path:
    """The tarball, in the cache."""
    name = "%s_%s.orig.tar.xz" % (package, version)
    target = matrix.cache_dir() / "tarballs" / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        url = "%s/pool/main/p/%s/%s" % (debian.mirror().uri, package, name)
        partial = target.with_name(name + ".part")
        # apt's own fetcher, so that the machine's proxies and transports count.
        done = subprocess.run(["/usr/lib/apt/apt-helper", "download-file", url, str(partial)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              universal_newlines=True)
        if done.returncode != 0:
            raise matrix.Missing("%s: %s" % (name, done.stderr.strip().replace("\n", "; ")))
        os.rename(str(partial), str(target))
    return target
