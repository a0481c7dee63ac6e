"""POSIX-style files over resources, bindings and descriptors.

Knows: opening, modes, buffering, offsets, errors with an errno, streams of asyncio and anyio.
Must not know: how a server is found (locator), what a resource is, diagnostics.
Convicted by: tests/io: one suite over plain threads, asyncio, uvloop and trio.
"""
