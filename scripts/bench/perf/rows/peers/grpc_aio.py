"""grpc.aio over a Unix socket, on uvloop, with protobuf's C (upb) messages: unary calls.

Its authors ask for asyncio and unary calls in Python, with one channel kept and stubs reused. Stubs
are made here as generated code makes them. Source: grpc.io, "Performance Best Practices", Python.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any, Final

from scripts.bench.perf.row import MIB, Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    A,
    AsyncCalls,
    AsyncDriver,
    B,
    same,
    serve_on_uvloop,
)
from scripts.bench.perf.timing import touch

SERVICE: Final = "bench.Calculator"
OPTIONS: Final = (
    ("grpc.max_receive_message_length", 128 * MIB),
    ("grpc.max_send_message_length", 128 * MIB),
)
MESSAGES: Final = {"Pair": {"a": "INT32", "b": "INT32"}, "Number": {"value": "INT32"}}
BLOB: Final = {"Blob": {"data": "BYTES"}}


def messages() -> dict[str, Any]:
    """Answer the message classes, by name, as protoc would write them."""
    descriptors: Any = import_module("google.protobuf.descriptor_pb2")
    pool: Any = import_module("google.protobuf.descriptor_pool").DescriptorPool()
    factory: Any = import_module("google.protobuf.message_factory")
    file = descriptors.FileDescriptorProto(name="bench.proto", package="bench", syntax="proto3")
    for name, fields in (MESSAGES | BLOB).items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            message.field.add(
                name=field,
                number=number,
                type=getattr(descriptors.FieldDescriptorProto, f"TYPE_{kind}"),
                label=descriptors.FieldDescriptorProto.LABEL_OPTIONAL,
            )
    pool.Add(file)
    return {
        name: factory.GetMessageClass(pool.FindMessageTypeByName(f"bench.{name}"))
        for name in MESSAGES | BLOB
    }


async def start(address: str) -> Any:
    grpc: Any = import_module("grpc")
    aio: Any = import_module("grpc.aio")
    classes = messages()
    pair, number, blob = classes["Pair"], classes["Number"], classes["Blob"]

    async def add(request: Any, _context: Any) -> Any:
        return number(value=request.a + request.b)

    async def echo(request: Any, _context: Any) -> Any:
        return blob(data=request.data)

    async def touched(request: Any, _context: Any) -> Any:
        return number(value=touch(request.data))

    def method(handler: Any, taken: Any, answered: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            handler,
            request_deserializer=taken.FromString,
            response_serializer=answered.SerializeToString,
        )

    server = aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                SERVICE,
                {
                    "Add": method(add, pair, number),
                    "Echo": method(echo, blob, blob),
                    "Touch": method(touched, blob, number),
                },
            ),
        )
    )
    server.add_insecure_port(f"unix:{address}/socket")
    await server.start()
    return server


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    aio: Any = import_module("grpc.aio")
    classes = messages()
    pair, number, blob = classes["Pair"], classes["Number"], classes["Blob"]
    channel = aio.insecure_channel(f"unix:{address}/socket", options=OPTIONS)
    await kept.enter_async_context(channel)
    await channel.channel_ready()

    def stub(name: str, given: Any, answered: Any) -> Any:
        return channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=given.SerializeToString,
            response_deserializer=answered.FromString,
        )

    add_stub = stub("Add", pair, number)
    echo_stub = stub("Echo", blob, blob)
    touch_stub = stub("Touch", blob, number)

    async def add() -> None:
        same((await add_stub(pair(a=A, b=B))).value, SUM)

    async def echo() -> None:
        same((await echo_stub(blob(data=SMALL))).data, SMALL)

    async def large() -> None:
        same((await touch_stub(blob(data=LARGE))).value, PAGES)

    return {Measure.ADD: add, Measure.ECHO: echo, Measure.BYTES_1M: large}


def serve(address: str, ready: Callable[[], None]) -> None:
    serve_on_uvloop(start(address), ready)


def connect(address: str) -> Driver:
    return AsyncDriver(calls, address)


ROWS = (
    Row(
        name="grpc.aio",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC,
        serve=serve,
        connect=connect,
        requires=("grpc", "google.protobuf", "uvloop"),
    ),
)
