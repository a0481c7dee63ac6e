"""Listening and connecting, for the floors."""

from __future__ import annotations

import os
import socket


def path(address: str, name: str = "socket") -> str:
    """Answer where a row's server listens."""
    return os.path.join(address, name)


def listen(address: str, kind: int = socket.SOCK_SEQPACKET, name: str = "socket") -> socket.socket:
    """Listen in the row's directory; the caller owns the socket."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path(address, name))
    sock.listen(2048)
    return sock


def connected(
    address: str, kind: int = socket.SOCK_SEQPACKET, name: str = "socket"
) -> socket.socket:
    """Connect to what listens there; the caller owns the socket."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.connect(path(address, name))
    return sock
