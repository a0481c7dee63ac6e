"""Resources: messages without a contract: open a URI, get a channel of data.

Knows: Starina's eleven messages, calls by their ids, data channels, URI templates.
Must not know: what a resource is (files, sockets), how a server is found, any event loop.
Convicted by: tests/resources, over asyncio, uvloop, trio and plain threads, and raw hostile bytes.
"""
