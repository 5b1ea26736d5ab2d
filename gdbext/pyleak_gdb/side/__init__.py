"""The glue to gdb: which core is loaded, which settings hold, where text goes."""
