"""Typed local IPC over channels that carry bytes and file descriptors.

Rooms, from the bottom: errors; objects and wire; port; bindings; locator and inspect; cli. A room
imports only rooms below it; the contracts in pyproject.toml convict one that does not.

The names here are for users; each comes from the module that defines it when it is first asked
for, so that `import ipcrt` loads no event loop and costs next to nothing. `ipcrt.Event` is the
kernel object; a protocol's events are `ipcrt.bindings.tables.Event`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ipcrt.bindings.arguments import Answer
    from ipcrt.bindings.client import DEFAULT_TIMEOUT
    from ipcrt.bindings.completer import Completer
    from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd, create_endpoints
    from ipcrt.bindings.errors import DomainError, UnknownMethod
    from ipcrt.bindings.proxy import BlockingProxy, Proxy
    from ipcrt.bindings.server import Limits, Server, ServerBinding
    from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
    from ipcrt.errors import (
        AccessDenied,
        AlreadyExists,
        BadHandle,
        BadState,
        BufferTooSmall,
        Canceled,
        InvalidArgs,
        IoError,
        IpcError,
        LocalProtocolError,
        NoResources,
        NotFound,
        NotSupported,
        OutOfRange,
        PeerClosed,
        ProtocolError,
        RemoteProtocolError,
        ShouldWait,
        Status,
        TimedOut,
        Unavailable,
        WrongType,
    )
    from ipcrt.inspect.format import InspectError
    from ipcrt.inspect.inspector import Inspector
    from ipcrt.inspect.snapshot import Snapshot
    from ipcrt.locator.connect import (
        BlockingLocatorClient,
        LocatorClient,
        connect,
        connect_blocking,
    )
    from ipcrt.locator.namespace import LocatorAt, Namespace
    from ipcrt.locator.namespace_grant import Grant
    from ipcrt.locator.service import Peer, ServiceLimits, provide
    from ipcrt.locator.spawn import BlockingChildProcess, ChildProcess, spawn, spawn_blocking
    from ipcrt.locator.startup import incoming_namespace, namespace, namespace_names, startup_handle
    from ipcrt.objects.channel import Channel, Message
    from ipcrt.objects.event import Event
    from ipcrt.objects.eventpair import EventPair
    from ipcrt.objects.fifo import Fifo
    from ipcrt.objects.handle import Handle
    from ipcrt.objects.kind import ObjType
    from ipcrt.objects.process import Process
    from ipcrt.objects.rights import Rights
    from ipcrt.objects.seals import Seals
    from ipcrt.objects.socket import Socket
    from ipcrt.objects.timer import Timer
    from ipcrt.objects.vmo import Vmo
    from ipcrt.port.aport import AsyncPort, open_port
    from ipcrt.port.blocking import BlockingPort
    from ipcrt.port.channel import AsyncChannel
    from ipcrt.port.executor import Executor, open_executor
    from ipcrt.port.interrupter import Interrupter
    from ipcrt.port.packet import Packet
    from ipcrt.port.signals import Signals
    from ipcrt.port.spawned import Spawned
    from ipcrt.port.waiting import wait_many, wait_one

_HOMES: Final = {
    "ipcrt.bindings.arguments": ("Answer",),
    "ipcrt.bindings.client": ("DEFAULT_TIMEOUT",),
    "ipcrt.bindings.completer": ("Completer",),
    "ipcrt.bindings.ends": ("ClientEnd", "Protocol", "ServerEnd", "create_endpoints"),
    "ipcrt.bindings.errors": ("DomainError", "UnknownMethod"),
    "ipcrt.bindings.proxy": ("BlockingProxy", "Proxy"),
    "ipcrt.bindings.server": ("Limits", "Server", "ServerBinding"),
    "ipcrt.bindings.tables": ("OneWay", "Openness", "ProtocolTable", "Struct", "TwoWay"),
    "ipcrt.errors": (
        "AccessDenied",
        "AlreadyExists",
        "BadHandle",
        "BadState",
        "BufferTooSmall",
        "Canceled",
        "InvalidArgs",
        "IoError",
        "IpcError",
        "LocalProtocolError",
        "NoResources",
        "NotFound",
        "NotSupported",
        "OutOfRange",
        "PeerClosed",
        "ProtocolError",
        "RemoteProtocolError",
        "ShouldWait",
        "Status",
        "TimedOut",
        "Unavailable",
        "WrongType",
    ),
    "ipcrt.inspect.format": ("InspectError",),
    "ipcrt.inspect.inspector": ("Inspector",),
    "ipcrt.inspect.snapshot": ("Snapshot",),
    "ipcrt.locator.connect": (
        "BlockingLocatorClient",
        "LocatorClient",
        "connect",
        "connect_blocking",
    ),
    "ipcrt.locator.namespace": ("LocatorAt", "Namespace"),
    "ipcrt.locator.namespace_grant": ("Grant",),
    "ipcrt.locator.service": ("Peer", "ServiceLimits", "provide"),
    "ipcrt.locator.spawn": ("BlockingChildProcess", "ChildProcess", "spawn", "spawn_blocking"),
    "ipcrt.locator.startup": (
        "incoming_namespace",
        "namespace",
        "namespace_names",
        "startup_handle",
    ),
    "ipcrt.objects.channel": ("Channel", "Message"),
    "ipcrt.objects.event": ("Event",),
    "ipcrt.objects.eventpair": ("EventPair",),
    "ipcrt.objects.fifo": ("Fifo",),
    "ipcrt.objects.handle": ("Handle",),
    "ipcrt.objects.kind": ("ObjType",),
    "ipcrt.objects.process": ("Process",),
    "ipcrt.objects.rights": ("Rights",),
    "ipcrt.objects.seals": ("Seals",),
    "ipcrt.objects.socket": ("Socket",),
    "ipcrt.objects.timer": ("Timer",),
    "ipcrt.objects.vmo": ("Vmo",),
    "ipcrt.port.aport": ("AsyncPort", "open_port"),
    "ipcrt.port.blocking": ("BlockingPort",),
    "ipcrt.port.channel": ("AsyncChannel",),
    "ipcrt.port.executor": ("Executor", "open_executor"),
    "ipcrt.port.interrupter": ("Interrupter",),
    "ipcrt.port.packet": ("Packet",),
    "ipcrt.port.signals": ("Signals",),
    "ipcrt.port.spawned": ("Spawned",),
    "ipcrt.port.waiting": ("wait_many", "wait_one"),
}
"""Which module defines which names: the imports above, for run time."""

__all__ = [
    "DEFAULT_TIMEOUT",
    "AccessDenied",
    "AlreadyExists",
    "Answer",
    "AsyncChannel",
    "AsyncPort",
    "BadHandle",
    "BadState",
    "BlockingChildProcess",
    "BlockingLocatorClient",
    "BlockingPort",
    "BlockingProxy",
    "BufferTooSmall",
    "Canceled",
    "Channel",
    "ChildProcess",
    "ClientEnd",
    "Completer",
    "DomainError",
    "Event",
    "EventPair",
    "Executor",
    "Fifo",
    "Grant",
    "Handle",
    "InspectError",
    "Inspector",
    "Interrupter",
    "InvalidArgs",
    "IoError",
    "IpcError",
    "Limits",
    "LocalProtocolError",
    "LocatorAt",
    "LocatorClient",
    "Message",
    "Namespace",
    "NoResources",
    "NotFound",
    "NotSupported",
    "ObjType",
    "OneWay",
    "Openness",
    "OutOfRange",
    "Packet",
    "Peer",
    "PeerClosed",
    "Process",
    "Protocol",
    "ProtocolError",
    "ProtocolTable",
    "Proxy",
    "RemoteProtocolError",
    "Rights",
    "Seals",
    "Server",
    "ServerBinding",
    "ServerEnd",
    "ServiceLimits",
    "ShouldWait",
    "Signals",
    "Snapshot",
    "Socket",
    "Spawned",
    "Status",
    "Struct",
    "TimedOut",
    "Timer",
    "TwoWay",
    "Unavailable",
    "UnknownMethod",
    "Vmo",
    "WrongType",
    "connect",
    "connect_blocking",
    "create_endpoints",
    "incoming_namespace",
    "namespace",
    "namespace_names",
    "open_executor",
    "open_port",
    "provide",
    "spawn",
    "spawn_blocking",
    "startup_handle",
    "wait_many",
    "wait_one",
]


if not TYPE_CHECKING:  # a checker that sees it takes every name for known

    def __getattr__(name: str) -> Any:
        """Answer a name from the module that defines it, and keep it here. Source: PEP 562."""
        for module, names in _HOMES.items():
            if name in names:
                value = globals()[name] = getattr(importlib.import_module(module), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
