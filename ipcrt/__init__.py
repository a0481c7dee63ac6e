"""Typed local IPC over channels that carry bytes and file descriptors.

Rooms, from the bottom: errors; objects and wire; port; shm; bindings; resources; locator, inspect
and io; cli. A room imports only rooms below it; the contracts in pyproject.toml convict one that
does not.

The names here are for users; each comes from the module that defines it when it is first asked
for, so that `import ipcrt` loads no event loop and costs next to nothing. `ipcrt.Event` is the
kernel object; a protocol's events are `ipcrt.bindings.tables.Event`. Files are opened by
`ipcrt.io.opening.open`, which is not here as it would hide Python's own; the types of fields in
shared memory are in `ipcrt.shm.record`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ipcrt.bindings.abstract_server import Server
    from ipcrt.bindings.arguments import Answer
    from ipcrt.bindings.client import DEFAULT_TIMEOUT
    from ipcrt.bindings.completer import Completer
    from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd, create_endpoints
    from ipcrt.bindings.errors import DomainError, UnknownMethod
    from ipcrt.bindings.proxy import BlockingProxy, Proxy
    from ipcrt.bindings.server import Limits, ServerBinding
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
    from ipcrt.io.async_file import AsyncFile
    from ipcrt.io.async_opening import aopen, async_file_of, open_stream
    from ipcrt.io.byte_stream import ResourceStream
    from ipcrt.io.opening import file_of, open_raw
    from ipcrt.io.raw import ResourceFile
    from ipcrt.io.waits import (
        wait_hang_up,
        wait_hang_up_blocking,
        wait_readable,
        wait_readable_blocking,
        wait_writable,
        wait_writable_blocking,
    )
    from ipcrt.locator.connect import (
        BlockingLocatorClient,
        LocatorClient,
        connect,
        connect_blocking,
    )
    from ipcrt.locator.connector import connect_through, connect_through_blocking
    from ipcrt.locator.namespace import LocatorAt, Namespace
    from ipcrt.locator.namespace_grant import Grant
    from ipcrt.locator.resources import LocatedApp, open_resources, open_resources_blocking
    from ipcrt.locator.service import Peer, ServiceLimits, provide
    from ipcrt.locator.spawn import BlockingChildProcess, ChildProcess, spawn, spawn_blocking
    from ipcrt.locator.spawn_start import SpawnOptions
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
    from ipcrt.port.blocking_channel import BlockingChannel
    from ipcrt.port.channel import AsyncChannel
    from ipcrt.port.executor import Executor, open_executor
    from ipcrt.port.interrupter import Interrupter
    from ipcrt.port.packet import Packet
    from ipcrt.port.signals import Signals
    from ipcrt.port.spawned import Spawned
    from ipcrt.port.waiting import wait_many, wait_one
    from ipcrt.resources.accepting import Accepting
    from ipcrt.resources.app import ResourceApp
    from ipcrt.resources.blocking_accepting import BlockingAccepting
    from ipcrt.resources.blocking_control import BlockingResourceClient
    from ipcrt.resources.blocking_data import BlockingDataChannel
    from ipcrt.resources.control import ResourceClient, send_connect
    from ipcrt.resources.data import DataChannel, DataSender
    from ipcrt.resources.messages import FramedData, StreamData
    from ipcrt.resources.requests import InvokeRequest, OpenRequest, PipeRequest, Session
    from ipcrt.resources.serving import ResourceLimits
    from ipcrt.shm.async_state import AsyncStateReader
    from ipcrt.shm.image_format import ImageFormat
    from ipcrt.shm.layout import Layout, Section
    from ipcrt.shm.record import Record
    from ipcrt.shm.ring import create_ring
    from ipcrt.shm.ring_async import AsyncRingConsumer, AsyncRingProducer
    from ipcrt.shm.ring_consumer import RingConsumer
    from ipcrt.shm.ring_end import RingHandles
    from ipcrt.shm.ring_producer import RingProducer
    from ipcrt.shm.shared_state import SharedState
    from ipcrt.shm.state_reader import StateReader
    from ipcrt.shm.swapchain import Swapchain
    from ipcrt.shm.swapchain_client import ClientSwapchain
    from ipcrt.shm.swapchain_info import SwapchainInfo
    from ipcrt.shm.swapchain_layers import Frame, Layer
    from ipcrt.shm.swapchain_set import SwapchainLimits, SwapchainSet
    from ipcrt.shm.sync import BinarySync, TimelineSync
    from ipcrt.shm.sync_waiter import TimelineWaiter

_HOMES: Final = {
    "ipcrt.bindings.abstract_server": ("Server",),
    "ipcrt.bindings.arguments": ("Answer",),
    "ipcrt.bindings.client": ("DEFAULT_TIMEOUT",),
    "ipcrt.bindings.completer": ("Completer",),
    "ipcrt.bindings.ends": ("ClientEnd", "Protocol", "ServerEnd", "create_endpoints"),
    "ipcrt.bindings.errors": ("DomainError", "UnknownMethod"),
    "ipcrt.bindings.proxy": ("BlockingProxy", "Proxy"),
    "ipcrt.bindings.server": ("Limits", "ServerBinding"),
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
    "ipcrt.io.async_file": ("AsyncFile",),
    "ipcrt.io.async_opening": ("aopen", "async_file_of", "open_stream"),
    "ipcrt.io.byte_stream": ("ResourceStream",),
    "ipcrt.io.opening": ("file_of", "open_raw"),
    "ipcrt.io.raw": ("ResourceFile",),
    "ipcrt.io.waits": (
        "wait_hang_up",
        "wait_hang_up_blocking",
        "wait_readable",
        "wait_readable_blocking",
        "wait_writable",
        "wait_writable_blocking",
    ),
    "ipcrt.locator.connect": (
        "BlockingLocatorClient",
        "LocatorClient",
        "connect",
        "connect_blocking",
    ),
    "ipcrt.locator.connector": ("connect_through", "connect_through_blocking"),
    "ipcrt.locator.namespace": ("LocatorAt", "Namespace"),
    "ipcrt.locator.namespace_grant": ("Grant",),
    "ipcrt.locator.resources": ("LocatedApp", "open_resources", "open_resources_blocking"),
    "ipcrt.locator.service": ("Peer", "ServiceLimits", "provide"),
    "ipcrt.locator.spawn": ("BlockingChildProcess", "ChildProcess", "spawn", "spawn_blocking"),
    "ipcrt.locator.spawn_start": ("SpawnOptions",),
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
    "ipcrt.port.blocking_channel": ("BlockingChannel",),
    "ipcrt.port.channel": ("AsyncChannel",),
    "ipcrt.port.executor": ("Executor", "open_executor"),
    "ipcrt.port.interrupter": ("Interrupter",),
    "ipcrt.port.packet": ("Packet",),
    "ipcrt.port.signals": ("Signals",),
    "ipcrt.port.spawned": ("Spawned",),
    "ipcrt.port.waiting": ("wait_many", "wait_one"),
    "ipcrt.resources.accepting": ("Accepting",),
    "ipcrt.resources.app": ("ResourceApp",),
    "ipcrt.resources.blocking_accepting": ("BlockingAccepting",),
    "ipcrt.resources.blocking_control": ("BlockingResourceClient",),
    "ipcrt.resources.blocking_data": ("BlockingDataChannel",),
    "ipcrt.resources.control": ("ResourceClient", "send_connect"),
    "ipcrt.resources.data": ("DataChannel", "DataSender"),
    "ipcrt.resources.messages": ("FramedData", "StreamData"),
    "ipcrt.resources.requests": ("InvokeRequest", "OpenRequest", "PipeRequest", "Session"),
    "ipcrt.resources.serving": ("ResourceLimits",),
    "ipcrt.shm.async_state": ("AsyncStateReader",),
    "ipcrt.shm.image_format": ("ImageFormat",),
    "ipcrt.shm.layout": ("Layout", "Section"),
    "ipcrt.shm.record": ("Record",),
    "ipcrt.shm.ring": ("create_ring",),
    "ipcrt.shm.ring_async": ("AsyncRingConsumer", "AsyncRingProducer"),
    "ipcrt.shm.ring_consumer": ("RingConsumer",),
    "ipcrt.shm.ring_end": ("RingHandles",),
    "ipcrt.shm.ring_producer": ("RingProducer",),
    "ipcrt.shm.shared_state": ("SharedState",),
    "ipcrt.shm.state_reader": ("StateReader",),
    "ipcrt.shm.swapchain": ("Swapchain",),
    "ipcrt.shm.swapchain_client": ("ClientSwapchain",),
    "ipcrt.shm.swapchain_info": ("SwapchainInfo",),
    "ipcrt.shm.swapchain_layers": ("Frame", "Layer"),
    "ipcrt.shm.swapchain_set": ("SwapchainLimits", "SwapchainSet"),
    "ipcrt.shm.sync": ("BinarySync", "TimelineSync"),
    "ipcrt.shm.sync_waiter": ("TimelineWaiter",),
}
"""Which module defines which names: the imports above, for run time."""

__all__ = [
    "DEFAULT_TIMEOUT",
    "Accepting",
    "AccessDenied",
    "AlreadyExists",
    "Answer",
    "AsyncChannel",
    "AsyncFile",
    "AsyncPort",
    "AsyncRingConsumer",
    "AsyncRingProducer",
    "AsyncStateReader",
    "BadHandle",
    "BadState",
    "BinarySync",
    "BlockingAccepting",
    "BlockingChannel",
    "BlockingChildProcess",
    "BlockingDataChannel",
    "BlockingLocatorClient",
    "BlockingPort",
    "BlockingProxy",
    "BlockingResourceClient",
    "BufferTooSmall",
    "Canceled",
    "Channel",
    "ChildProcess",
    "ClientEnd",
    "ClientSwapchain",
    "Completer",
    "DataChannel",
    "DataSender",
    "DomainError",
    "Event",
    "EventPair",
    "Executor",
    "Fifo",
    "Frame",
    "FramedData",
    "Grant",
    "Handle",
    "ImageFormat",
    "InspectError",
    "Inspector",
    "Interrupter",
    "InvalidArgs",
    "InvokeRequest",
    "IoError",
    "IpcError",
    "Layer",
    "Layout",
    "Limits",
    "LocalProtocolError",
    "LocatedApp",
    "LocatorAt",
    "LocatorClient",
    "Message",
    "Namespace",
    "NoResources",
    "NotFound",
    "NotSupported",
    "ObjType",
    "OneWay",
    "OpenRequest",
    "Openness",
    "OutOfRange",
    "Packet",
    "Peer",
    "PeerClosed",
    "PipeRequest",
    "Process",
    "Protocol",
    "ProtocolError",
    "ProtocolTable",
    "Proxy",
    "Record",
    "RemoteProtocolError",
    "ResourceApp",
    "ResourceClient",
    "ResourceFile",
    "ResourceLimits",
    "ResourceStream",
    "Rights",
    "RingConsumer",
    "RingHandles",
    "RingProducer",
    "Seals",
    "Section",
    "Server",
    "ServerBinding",
    "ServerEnd",
    "ServiceLimits",
    "Session",
    "SharedState",
    "ShouldWait",
    "Signals",
    "Snapshot",
    "Socket",
    "SpawnOptions",
    "Spawned",
    "StateReader",
    "Status",
    "StreamData",
    "Struct",
    "Swapchain",
    "SwapchainInfo",
    "SwapchainLimits",
    "SwapchainSet",
    "TimedOut",
    "TimelineSync",
    "TimelineWaiter",
    "Timer",
    "TwoWay",
    "Unavailable",
    "UnknownMethod",
    "Vmo",
    "WrongType",
    "aopen",
    "async_file_of",
    "connect",
    "connect_blocking",
    "connect_through",
    "connect_through_blocking",
    "create_endpoints",
    "create_ring",
    "file_of",
    "incoming_namespace",
    "namespace",
    "namespace_names",
    "open_executor",
    "open_port",
    "open_raw",
    "open_resources",
    "open_resources_blocking",
    "open_stream",
    "provide",
    "send_connect",
    "spawn",
    "spawn_blocking",
    "startup_handle",
    "wait_hang_up",
    "wait_hang_up_blocking",
    "wait_many",
    "wait_one",
    "wait_readable",
    "wait_readable_blocking",
    "wait_writable",
    "wait_writable_blocking",
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
