"""Bindings: typed calls and events over channels, driven by descriptor tables.

Knows: methods and their payload types, calls in flight, what each side may send.
Must not know: how a contract is written down (no FIDL text), who the peer is, any event loop.
Convicted by: tests/bindings, over asyncio, uvloop, trio and plain threads, and raw hostile bytes.
"""
