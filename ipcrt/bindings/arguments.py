"""A method's payload and the arguments of the Python method that stands for it.

A struct's members are the arguments, in order; a table or union is the one argument.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union

import msgspec

from ipcrt.bindings.structs import Struct
from ipcrt.bindings.union import Variant

if TYPE_CHECKING:  # a client has no use for one
    from ipcrt.bindings.completer import Completer

T = TypeVar("T")

Answer: TypeAlias = Union[Coroutine[Any, Any, T], "Completer[T]", T]
"""What a handler returns: a plain `def` the answer or a completer for it, an `async def` a
coroutine for either."""


def is_spread(payload_type: object) -> bool:
    """True where the members of a payload are the arguments; a union is no class."""
    return (
        isinstance(payload_type, type)
        and issubclass(payload_type, Struct)
        and not issubclass(payload_type, Variant)
    )


def arguments_of(payload: object) -> tuple[Any, ...]:
    """Answer the arguments that `payload` stands for; none for the payload `()`."""
    if payload is None:
        return ()
    if isinstance(payload, Struct) and is_spread(type(payload)):
        return msgspec.structs.astuple(payload)
    return (payload,)
