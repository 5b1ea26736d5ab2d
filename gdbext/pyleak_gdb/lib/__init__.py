"""What the extension needs that is not gdb's: runs and is tested under plain Python 3.8 or newer."""
