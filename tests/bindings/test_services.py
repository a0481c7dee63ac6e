from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.services import Service


class Sound(Protocol):
    pass


class Radio(Service):
    NAME = "example/Radio"
    MEMBERS: ClassVar[Mapping[str, type[Protocol]]] = {"speaker": Sound}


def test_a_service_names_its_members() -> None:
    assert issubclass(Radio, Service)
    assert Radio.MEMBERS["speaker"] is Sound
