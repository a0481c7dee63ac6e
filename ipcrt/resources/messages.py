"""The eleven messages, as data: their parameters, kinds and the channels they belong to.

Each is one message of docs/wire-format.md with txid 0: its body is the array of its parameters, its
ordinal that of the selector here. What it answers is told by its `call_id`, which is not the
header's: any 32-bit number, chosen by the client, different from its calls in flight.
Source: Starina, "Channel", "Message Types"; docs/resources.md.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.scalars import Int32, Uint64
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.resources.limits import (
    MAX_ARGS_BYTES,
    MAX_FRAME_BYTES,
    MAX_METHOD_BYTES,
    MAX_STREAM_BYTES,
    MAX_URI_BYTES,
)

Uri: TypeAlias = Annotated[str, Meta(max_length=MAX_URI_BYTES)]
MethodName: TypeAlias = Annotated[str, Meta(max_length=MAX_METHOD_BYTES)]
Blob: TypeAlias = Annotated[bytes, Meta(max_length=MAX_ARGS_BYTES)]


class Connect(Struct, frozen=True):
    """Listen channel, to the server: a new client has come; `handle` is its control channel."""

    handle: Channel


class Open(Struct, frozen=True):
    """Control channel, to the server: open a resource."""

    call_id: Int32
    uri: Uri


class OpenReply(Struct, frozen=True):
    """Control channel, to the client: the resource is open.

    `handle` is a data channel, or what the resource itself has for a descriptor.
    """

    call_id: Int32
    handle: Handle


class Abort(Struct, frozen=True):
    """Control channel, to the client: a call has failed; `error` is a status, never zero."""

    call_id: Int32
    error: Int32


class FramedData(Struct, frozen=True):
    """Data channel, either way: one message whose borders mean something."""

    data: Annotated[bytes, Meta(max_length=MAX_FRAME_BYTES)]


class StreamData(Struct, frozen=True):
    """Data channel, either way: the next bytes of a stream; their borders mean nothing."""

    data: Annotated[bytes, Meta(max_length=MAX_STREAM_BYTES)]


class Error(Struct, frozen=True):
    """Data channel, either way: what was sent before has failed; a status, never zero."""

    error: Int32


class Invoke(Struct, frozen=True):
    """Control channel, to the server: call a method, of a resource where `method` is `URI#name`."""

    call_id: Int32
    method: MethodName
    args: Blob


class InvokeReply(Struct, frozen=True):
    """Control channel, to the client: what the method answers."""

    call_id: Int32
    result: Blob


class Pipe(Struct, frozen=True):
    """Control channel, to the server: open a resource and write all its data to `write_to`.

    `write_to` is a data channel's clone that may only be written to, or any other descriptor that
    takes bytes.
    """

    call_id: Int32
    uri: Uri
    write_to: Handle


class PipeReply(Struct, frozen=True):
    """Control channel, to the client: the end is reached; so many bytes were written."""

    call_id: Int32
    written: Uint64


CONNECT: Final = OneWay("ipcrt.resources/Listen.Connect", Connect, strict=True)
OPEN: Final = OneWay("ipcrt.resources/Control.Open", Open, strict=True)
OPEN_REPLY: Final = Event("ipcrt.resources/Control.OpenReply", OpenReply, strict=True)
ABORT: Final = Event("ipcrt.resources/Control.Abort", Abort, strict=True)
INVOKE: Final = OneWay("ipcrt.resources/Control.Invoke", Invoke, strict=True)
INVOKE_REPLY: Final = Event("ipcrt.resources/Control.InvokeReply", InvokeReply, strict=True)
PIPE: Final = OneWay("ipcrt.resources/Control.Pipe", Pipe, strict=True)
PIPE_REPLY: Final = Event("ipcrt.resources/Control.PipeReply", PipeReply, strict=True)
FRAMED_DATA: Final = OneWay("ipcrt.resources/Data.FramedData", FramedData, strict=True)
STREAM_DATA: Final = OneWay("ipcrt.resources/Data.StreamData", StreamData, strict=True)
ERROR: Final = OneWay("ipcrt.resources/Data.Error", Error, strict=True)


class Listen(Protocol):
    """What a listen channel carries, to the server."""

    TABLE = ProtocolTable("ipcrt.resources/Listen", Openness.CLOSED, (CONNECT,))


class Control(Protocol):
    """What a control channel carries."""

    TABLE = ProtocolTable(
        "ipcrt.resources/Control",
        Openness.CLOSED,
        (OPEN, OPEN_REPLY, ABORT, INVOKE, INVOKE_REPLY, PIPE, PIPE_REPLY),
    )


class Data(Protocol):
    """What a data channel carries, both ways alike."""

    TABLE = ProtocolTable(
        "ipcrt.resources/Data", Openness.CLOSED, (FRAMED_DATA, STREAM_DATA, ERROR)
    )
