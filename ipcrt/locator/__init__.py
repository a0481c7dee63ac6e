"""The locator: one well-known socket, through which clients find services.

Knows: how a daemon gets its socket and tells its supervisor, who a client is, what it may see.
Must not know: what the services that it hands out do, nor how a person asks (`cli`).
Convicted by: tests/locator (each file by its twin) and tests/systemd, under a real systemd.
"""
