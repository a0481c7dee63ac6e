"""Servers of each openness that note down what they hear, and a client's listener that does."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.server import ServerBinding
from ipcrt.bindings.tables import Kind
from ipcrt.errors import IpcError, Status
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from tests.conformance import contract as c

Note = tuple[Any, ...]

CLOSED: dict[str, Any] = {each.name: each for each in c.ClosedTarget.TABLE.by_ordinal.values()}
AJAR: dict[str, Any] = {each.name: each for each in c.AjarTarget.TABLE.by_ordinal.values()}
OPEN: dict[str, Any] = {each.name: each for each in c.OpenTarget.TABLE.by_ordinal.values()}
EMPTY: list[Any] = []
EMPTY_TABLE: dict[int, Any] = {}


class Notes:
    """What a server was told, besides its answers."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.gone: list[IpcError] = []
        self.binding: ServerBinding[Any] | None = None

    def client_came(self, binding: ServerBinding[Any]) -> None:
        self.binding = binding

    def client_gone(self, reason: IpcError) -> None:
        self.gone.append(reason)

    def unknown_method(self, ordinal: int, kind: Kind) -> None:
        self.notes.append(("unknown", ordinal, kind))


class Closed(Notes, c.ClosedTargetServer):
    """Answers what it is told."""

    def one_way_no_payload(self) -> None:
        self.notes.append(("no payload",))

    def one_way_struct(self, some: int) -> None:
        self.notes.append(("struct", some))

    def one_way_table(self, payload: c.SomeTable) -> None:
        self.notes.append(("table", payload))

    def one_way_union(self, payload: c.SomeUnion) -> None:
        self.notes.append(("union", payload))

    def one_way_handle(self, event: Event) -> None:
        with event:
            self.notes.append(("handle", type(event)))

    def two_way_no_payload(self) -> None:
        self.notes.append(("asked",))

    def two_way_struct(self, some: int) -> c.Some:
        return c.Some(some)

    async def two_way_table(self, payload: c.SomeTable) -> c.SomeTable:
        return payload

    def two_way_union(self, payload: c.SomeUnion) -> c.SomeUnion:
        return payload

    async def two_way_handle(self, event: Event) -> c.Token:
        await anyio.lowlevel.checkpoint()
        return c.Token(event)

    def two_way_result(self, payload: c.Answer) -> c.ClosedTargetTwoWayResultResponse:
        return c.ClosedTargetTwoWayResultResponse(_value(payload))

    def two_way_empty_result(self, payload: c.Answer) -> None:
        _value(payload)

    def bounded(self, data: bytes, text: str, numbers: list[int], size: c.Size) -> None:
        self.notes.append(("bounded", data, text, numbers, size))

    def optional(self, text: str | None, some: c.Some | None, event: Event | None) -> None:
        self.notes.append(("optional", text, some, event is not None))
        if event is not None:
            event.close()

    async def wait(self) -> None:
        self.notes.append(("waiting",))
        try:
            await anyio.sleep_forever()
        finally:
            self.notes.append(("canceled",))

    def fail(self) -> None:
        raise RuntimeError("for the log alone")

    def close_(self, status: int) -> None:
        assert self.binding is not None
        self.binding.close(Status(status))


class Ajar(Notes, c.AjarTargetServer):
    def strict_one_way(self) -> None:
        self.notes.append(("strict",))

    def flexible_one_way(self) -> None:
        self.notes.append(("flexible",))

    def ask(self) -> None:
        self.notes.append(("asked",))


class Open(Notes, c.OpenTargetServer):
    def strict_one_way(self) -> None:
        self.notes.append(("strict",))

    def flexible_one_way(self) -> None:
        self.notes.append(("flexible",))

    def ask(self) -> None:
        self.notes.append(("asked",))

    def flexible_two_way(self) -> None:
        self.notes.append(("flexible call",))

    def flexible_two_way_struct(self, some: int) -> c.Some:
        return c.Some(some)

    def flexible_result(self, payload: c.Answer) -> Answer[c.OpenTargetFlexibleResultResponse]:
        return c.OpenTargetFlexibleResultResponse(_value(payload))

    def strict_result(self, payload: c.Answer) -> c.OpenTargetStrictResultResponse:
        return c.OpenTargetStrictResultResponse(_value(payload))


def _value(payload: c.Answer) -> str:
    """Answer or fail as the client wants it."""
    match payload:
        case c.AnswerValue(value):
            return value
        case c.AnswerError(error):
            raise c.Uint32Failed(error)
        case _:
            raise AssertionError(payload)


class Listener:
    """Notes down the events of any of the targets."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def on_no_payload(self) -> None:
        self.notes.append(("no payload",))

    def on_struct(self, some: int) -> None:
        self.notes.append(("struct", some))

    def on_table(self, payload: c.SomeTable) -> None:
        self.notes.append(("table", payload))

    def on_union(self, payload: c.SomeUnion) -> None:
        self.notes.append(("union", payload))

    def on_handle(self, event: Handle) -> None:
        with event:
            self.notes.append(("handle", type(event)))

    def on_strict(self) -> None:
        self.notes.append(("strict",))

    def on_flexible(self) -> None:
        self.notes.append(("flexible",))
