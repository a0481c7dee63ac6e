"""Resource servers: files, TCP, processes and a small store, opened by their URIs.

Knows: what `file:`, `tcp:`, `tcp-listen:`, `process:` and `kv:` URIs mean.
Must not know: how messages travel (`ipcrt.resources`), or how a client finds the server.
Convicted by: tests/services/resources, whose clients climb, stall, flood and die.
"""
