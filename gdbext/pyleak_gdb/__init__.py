"""pyleak inside gdb: one command for every analysis of libpyleak.

lib/ is the binding, the worker thread and everything else that needs no gdb (and imports none);
side/ is the glue to gdb: which core, which settings, where text goes; commands/ registers the
commands. pyleak.gdb calls load().
"""


def load() -> None:
    """Find libpyleak and register its commands; calling it again does nothing."""
    from . import commands

    commands.register()
