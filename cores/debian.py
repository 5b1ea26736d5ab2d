"""Folders that hold an interpreter of another Debian suite with all it needs, to be entered with
chroot.

The mirror, and how to trust it, are those of this machine's own apt sources.  Everything apt writes
goes to a private configuration in the cache: the machine's own package state is neither read nor
changed.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

import matrix

APT = Path("/etc/apt")
TRUST = ("signed-by", "trusted")
TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "tar", "chroot")
DEVICES = {"null": (1, 3), "zero": (1, 5), "urandom": (1, 9)}
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True)
class Mirror:
    """uri: of the archive's top, without a final slash.  options: for a one-line apt source,
    e.g. "[trusted=yes]"."""
    uri: str
    options: str


def mirror() -> Mirror:
    """The machine's first apt source that is a Debian archive; matrix.Missing if it has none
    (Ubuntu, say)."""
    for uri, options in _apt_sources():
        if uri.rstrip("/").endswith("/debian"):
            kept = ["%s=%s" % (key, options[key]) for key in TRUST if options.get(key)]
            return Mirror(uri.rstrip("/"), "[%s]" % " ".join(kept) if kept else "")
    raise matrix.Missing("no Debian archive among this machine's apt sources")


def _apt_sources() -> Iterator[Tuple[str, Dict[str, str]]]:
    """(URI, options) of every source of /etc/apt; options by their names in one-line sources."""
    for path in sorted(APT.glob("sources.list.d/*.sources")):
        for stanza in path.read_text().split("\n\n"):
            yield from _stanza(stanza)
    for path in [APT / "sources.list"] + sorted(APT.glob("sources.list.d/*.list")):
        for line in path.read_text().splitlines() if path.exists() else []:
            yield from _one_line(line)


def _stanza(stanza: str) -> Iterator[Tuple[str, Dict[str, str]]]:
    fields = {}
    for line in stanza.splitlines():
        if line[:1] not in ("#", " ", ""):
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
    for uri in fields.get("uris", "").split():
        yield _behind(uri), fields


def _one_line(line: str) -> Iterator[Tuple[str, Dict[str, str]]]:
    found = re.match(r"deb\s+(?:\[([^]]*)\]\s*)?(\S+)", line)
    if found:
        options = (found.group(1) or "").split()
        yield _behind(found.group(2)), dict(pair.partition("=")[::2] for pair in options)


def _behind(uri: str) -> str:
    """The archive's own URI where a source names a file with a list of mirrors."""
    if not uri.startswith("mirror+file:"):
        return uri
    lines = Path("/" + uri[len("mirror+file:"):].lstrip("/")).read_text().split()
    return lines[0] if lines else ""


def unpack_root(suite: str, packages: Sequence[str], root: Path) -> None:
    """Make the folder root from packages of a suite, their newest version, with all dependencies.

    The first package is needed; others are left out, aloud, if the suite has them no longer.  root
    is complete or not there at all.  matrix.Missing says what stands in the way.
    """
    for tool in TOOLS:
        if not shutil.which(tool):
            raise matrix.Missing("%s is not installed" % tool)
    if os.geteuid() != 0:
        raise matrix.Missing("chroot needs root")
    apt = _PrivateApt(suite, mirror())
    wanted = [package for package in packages if apt.has(package)]
    if packages[0] not in wanted:
        raise matrix.Missing("%s has no %s (any more)" % (suite, packages[0]))
    for package in sorted(set(packages) - set(wanted)):
        print("interpreters.py: %s has no %s: done without" % (suite, package))
    root.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=root.name + ".", dir=str(root.parent)))
    try:
        work.chmod(0o755)
        for name in MERGED:
            (work / "usr" / name).mkdir(parents=True)
            (work / name).symlink_to("usr/" + name)
        for package_file in apt.download(wanted):
            _unpack(package_file, work)
            package_file.unlink()
        _decompress_symbols(work / "usr/lib/debug")
        _devices(work / "dev")
        (work / "tmp").mkdir(exist_ok=True)
        os.rename(str(work), str(root))
    finally:
        shutil.rmtree(str(work), ignore_errors=True)


def unpack_libraries(suite: str, packages: Sequence[str], folder: Path) -> None:
    """Make the folder from packages of a suite, be they installed here, and what they need that is
    not: the machine's other interpreters do not look where its packages are.

    folder is complete or not there at all.  matrix.Missing says what stands in the way.
    """
    for tool in TOOLS:
        if not shutil.which(tool):
            raise matrix.Missing("%s is not installed" % tool)
    apt = _PrivateApt(suite, mirror(), _status_without(packages))
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=str(folder.parent)))
    try:
        work.chmod(0o755)
        for package_file in apt.download(list(packages)):
            _unpack(package_file, work)
            package_file.unlink()
        os.rename(str(work), str(folder))
    finally:
        shutil.rmtree(str(work), ignore_errors=True)


def _status_without(packages: Sequence[str]) -> str:
    """What dpkg says is installed here, these packages left out."""
    stanzas = Path("/var/lib/dpkg/status").read_text().split("\n\n")
    return "\n\n".join(stanza for stanza in stanzas
                       if stanza.partition("\n")[0] not in {"Package: " + name for name in packages})


def _unpack(package_file: Path, root: Path) -> None:
    source = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package_file)],
                              stdout=subprocess.PIPE)
    target = subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", str(root)],
                            stdin=source.stdout)
    source.stdout.close()
    if source.wait() != 0 or target.returncode != 0:
        raise matrix.Missing("%s cannot be unpacked" % package_file.name)


def _decompress_symbols(folder: Path) -> None:
    """Unpack the debug information once, not for each of the thousands of times that tests read it.
    The machine's own stays as its packages have it."""
    for path in folder.glob(".build-id/*/*.debug") if shutil.which("objcopy") else ():
        plain = path.with_suffix(".plain")
        done = subprocess.run(["objcopy", "--decompress-debug-sections", str(path), str(plain)])
        if done.returncode == 0:
            os.rename(str(plain), str(path))


def _devices(folder: Path) -> None:
    """/dev/null and what reads randomness; without the right to make devices, plain files
    (enough for Python 3)."""
    folder.mkdir(exist_ok=True)
    for name, numbers in DEVICES.items():
        try:
            os.mknod(str(folder / name), stat.S_IFCHR | 0o666, os.makedev(*numbers))
        except PermissionError:
            (folder / name).touch()


class _PrivateApt:
    """apt-get and apt-cache of one suite, with all their state in the cache and no package
    installed, or those of a status file that reads as `installed`."""

    def __init__(self, suite: str, source: Mirror, installed: str = ""):
        self.suite = suite
        self.folder = matrix.cache_dir() / "apt" / (suite + ("-more" if installed else ""))
        for name in ("lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text(installed)
        (self.folder / "sources.list").write_text("deb %s %s %s main\n" % (source.options,
                                                                           source.uri, suite))
        self._run("apt-get", "update")

    def has(self, package: str) -> bool:
        return "Versions:" in self._run("apt-cache", "showpkg", package) and bool(
            self._run("apt-cache", "madison", package).strip())

    def download(self, packages: List[str]) -> List[Path]:
        """The package files of these packages and everything they depend on."""
        self._run("apt-get", "install", "--yes", "--download-only", "--no-install-recommends",
                  *packages)
        return sorted((self.folder / "cache/archives").glob("*.deb"))

    def _run(self, tool: str, *arguments: str) -> str:
        """Output of one call; matrix.Missing with apt's own words if it fails."""
        options = ["Dir::Etc::sourcelist=%s/sources.list" % self.folder,
                   "Dir::Etc::sourceparts=/dev/null",
                   "Dir::State::Lists=%s/lists" % self.folder,
                   "Dir::State::status=%s/status" % self.folder,
                   "Dir::Cache=%s/cache" % self.folder, "APT::Sandbox::User=root",
                   "APT::Update::Error-Mode=any"]
        command = [tool] + [word for option in options for word in ("-o", option)] + list(arguments)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL,
                              universal_newlines=True)
        if done.returncode != 0:
            raise matrix.Missing("suite %s: %s" % (self.suite,
                                                   done.stderr.strip().replace("\n", "; ")))
        return done.stdout
