"""Which protocols the command line can call: those that installed packages declare.

A package declares a protocol in its own metadata, under the name that the locator offers:

    [project.entry-points."ipcrt.protocols"]
    "example/Echo" = "example.echo:EchoBlockingProxy"
"""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.proxy import BlockingProxy
from ipcrt.bindings.tables import Kind, Method
from ipcrt.cli.complaint import Misused
from ipcrt.errors import BadState
from ipcrt.locator.protocol import Locator

GROUP: Final = "ipcrt.protocols"


def known_names() -> list[str]:
    """Answer the names of all protocols that can be called, in order."""
    return sorted({Locator.TABLE.name, *entry_points(group=GROUP).names})


def find_protocol(name: str) -> type[Protocol]:
    """Answer the protocol that is declared under `name`.

    Raises: Misused: no installed package declares it. BadState: its declaration is wrong.
    """
    if name == Locator.TABLE.name:
        return Locator
    for entry in entry_points(group=GROUP, name=name):
        return _load(entry)
    known = ", ".join(known_names())
    raise Misused(f"no installed package declares a protocol {name}; known are {known}")


def _load(entry: EntryPoint) -> type[Protocol]:
    try:
        proxy = entry.load()
    except (ImportError, AttributeError) as error:
        raise BadState(f"the protocol {entry.name} cannot be loaded: {error}") from error
    if not (inspect.isclass(proxy) and issubclass(proxy, BlockingProxy)):
        raise BadState(f"the protocol {entry.name} is declared as {entry.value}, no BlockingProxy")
    protocol: type[Protocol] = proxy.PROTOCOL
    return protocol


def find_method(protocol: type[Protocol], name: str) -> Method[Any, Any]:
    """Answer the method `name`, written as in Python or as in FIDL: write_item or WriteItem.

    Raises: Misused: the protocol has none such; says which it has.
    """
    callable_ones = [
        method for method in protocol.TABLE.by_ordinal.values() if method.KIND is not Kind.EVENT
    ]
    for method in callable_ones:
        if name in (method.name, method.selector.rpartition(".")[2]):
            return method
    names = ", ".join(sorted(method.name for method in callable_ones))
    raise Misused(f"{protocol.TABLE.name} has no method {name}; it has {names}")
