"""Kernel objects: Zircon's words over Linux descriptors, one file per object.

Knows: descriptors, who owns them, and the system calls that act on them.
Must not know: event loops, message formats, contracts.
Convicted by: tests/objects (each file by its twin), and the leak fixture of every test.
"""
