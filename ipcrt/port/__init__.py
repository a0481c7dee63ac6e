"""Port: where a thread or an event loop sleeps until the kernel has news of a handle.

Knows: epoll, the event loops, deadlines, and how signals become packets and waiters.
Must not know: message bodies, contracts, who the peer is.
Convicted by: tests/port, one behaviour suite over asyncio, uvloop, trio and plain threads.
"""
