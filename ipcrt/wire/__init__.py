"""Wire: what a message is, byte for byte; docs/wire-format.md is its normative text.

Knows: headers, frames, MessagePack values, limits, and handles as *indices* into a list.
Must not know: descriptors, sockets, event loops, contracts; it imports only `ipcrt.errors`.
Convicted by: tests/wire, which reads its examples out of docs/wire-format.md.
"""
