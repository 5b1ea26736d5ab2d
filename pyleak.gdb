# pyleak.gdb - brings pyleak into gdb: gdb -x pyleak.gdb PYTHON CORE, or "source pyleak.gdb" at any time.
#
# Works from the checkout (package in gdbext/) and installed (package beside this file). It only finds
# the package and calls its load(); sourcing it again does nothing.

python
import gdb


def _pyleak_load():
    import os
    import re
    import sys

    version = re.search(r"(\d+)\.\d", gdb.VERSION)
    if version and int(version.group(1)) < 12 or sys.version_info < (3, 8):
        raise gdb.GdbError("pyleak: needs gdb 12 or newer with Python 3.8 or newer, this is gdb %s with Python %s"
                           % (gdb.VERSION, sys.version.split()[0]))

    # gdb tells a script nothing about where it lies, but it keeps the file open until the last line has
    # run (gdb 12 to 18, for -x, "source" and .gdbinit alike). So this file is the open one that starts
    # with this first line; its name comes from the kernel, with links and relative parts resolved.
    first_line = b"# pyleak.gdb - "
    here = None
    for fd in sorted((int(name) for name in os.listdir("/proc/self/fd")), reverse=True):
        try:
            if os.pread(fd, len(first_line), 0) == first_line:
                here = os.path.dirname(os.readlink("/proc/self/fd/%d" % fd))
                break
        except OSError:
            continue
    if here is None:
        raise gdb.GdbError("pyleak: cannot tell where pyleak.gdb lies\n  source it as a plain file, not through a pipe")

    for folder in (here, os.path.join(here, "gdbext")):
        if os.path.isfile(os.path.join(folder, "pyleak_gdb", "__init__.py")):
            break
    else:
        raise gdb.GdbError("pyleak: no pyleak_gdb in %s\n  install pyleak again, or source the checkout's pyleak.gdb" % here)

    if folder not in sys.path:
        sys.path.insert(0, folder)
    import pyleak_gdb

    loaded = os.path.dirname(os.path.dirname(os.path.realpath(pyleak_gdb.__file__)))
    if loaded != os.path.realpath(folder):
        raise gdb.GdbError("pyleak: already loaded from %s\n  start a new gdb to use %s" % (loaded, folder))
    pyleak_gdb.load()


try:
    _pyleak_load()
except gdb.GdbError as error:
    # Raised further it would come with a traceback, which gdb leaves out only for errors of commands.
    gdb.write("%s\n" % error, gdb.STDERR)
del _pyleak_load
end
