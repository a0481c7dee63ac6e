"""files: opens files beneath one directory and hands over their descriptors, read-only.

Knows: one directory and what may be opened in it. Must not know: what is in the files.
Convicted by: tests/services/files, whose clients try to escape.
"""
