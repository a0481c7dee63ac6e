"""FIDL's services: protocols that are offered together, each under its member's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ipcrt.bindings.ends import Protocol


class Service:
    """Base of all services; never instantiated. `MEMBERS` maps a member to its protocol."""

    NAME: ClassVar[str]
    MEMBERS: ClassVar[Mapping[str, type[Protocol]]]
