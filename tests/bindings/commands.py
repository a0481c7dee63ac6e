"""A contract with a command union, for the tests of batches."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from ipcrt.bindings.tables import OneWay, Struct, TwoWay
from ipcrt.bindings.union import Variant
from ipcrt.objects.event import Event


class Poke(Struct, frozen=True):
    x: int
    y: int


class CommandPoke(Variant, frozen=True, tag=1):
    value: Poke


class CommandProd(Variant, frozen=True, tag=2):
    value: Annotated[str, Meta(max_length=100_000)]


class CommandRing(Variant, frozen=True, tag=3):
    value: Event


Command: TypeAlias = CommandPoke | CommandProd | CommandRing


class Enqueue(Struct, frozen=True):
    commands: list[Command]


class EnqueueFew(Struct, frozen=True):
    commands: Annotated[list[Command], Meta(max_length=3)]


ENQUEUE = OneWay("test/Sink.Enqueue", Enqueue)
ENQUEUE_FEW = OneWay("test/Sink.EnqueueFew", EnqueueFew)
COMMIT = TwoWay("test/Sink.Commit", type(None), type(None))
