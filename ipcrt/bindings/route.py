"""Route: from a method's ordinal to the handler of one server, found once for each client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ipcrt.bindings.arguments import arguments_of, is_spread
from ipcrt.bindings.tables import Method


class Route:
    """What is needed to handle a message of one method."""

    __slots__ = ("arguments", "handler", "method")

    def __init__(self, method: Method[Any, Any], server: object) -> None:
        self.method = method
        self.handler: Callable[..., Any] = getattr(server, method.name)
        self.arguments: Callable[[Any], tuple[Any, ...]] = arguments_of
        """Takes a request apart."""
        if is_spread(method.request.type):
            self.arguments = msgspec.structs.astuple
