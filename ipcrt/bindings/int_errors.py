"""Domain errors that are plain numbers: `error int32` and `error uint32`.

class StatusFailed(Int32Failed):
    pass
"""

from __future__ import annotations

from typing import Any, ClassVar

from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.scalars import Int32, Uint32


class Int32Failed(DomainError[int]):
    """A domain error of type int32."""

    ERROR: ClassVar[Any] = Int32


class Uint32Failed(DomainError[int]):
    """A domain error of type uint32."""

    ERROR: ClassVar[Any] = Uint32
