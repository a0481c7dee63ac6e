"""codec: bytes go in, compressed or decompressed they come out; as blobs or as streams.

Knows: formats, turns, settings. Must not know: who its clients are, or what their bytes say.
Convicted by: tests/services/codec, with server and clients in processes of their own.
"""
