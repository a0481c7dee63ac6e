"""Routes: which handler a URI, or a method, goes to. The first that was added and matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from ipcrt.errors import NotFound, NotSupported
from ipcrt.resources.uri import Parameters, Template

Handler: TypeAlias = Callable[..., Any]
"""Takes a request and, by name, its URI's parameters; `def` or `async def`."""

Found: TypeAlias = tuple[Handler, Parameters]


class Routes:
    """The handlers of one app, by what was asked of them."""

    __slots__ = ("_by_kind", "_own_methods")

    def __init__(self) -> None:
        self._by_kind: dict[str, list[tuple[Template, Handler]]] = {"open": [], "pipe": []}
        self._own_methods: dict[str, Handler] = {}

    def add(self, kind: str, template: str, handler: Handler) -> None:
        """Send URIs that match to `handler`. Raises: ValueError: no template."""
        self._by_kind.setdefault(kind, []).append((Template(template), handler))

    def add_own_method(self, name: str, handler: Handler) -> None:
        """Send calls of the server's own method `name` to `handler`."""
        self._own_methods[name] = handler

    def open(self, uri: str) -> Found:
        """Answer who opens `uri`. Raises: NotFound."""
        return _match(self._by_kind["open"], uri) or self._refuse(uri)

    def pipe(self, uri: str) -> Found | None:
        """Answer who pipes `uri`, or None where it is opened and copied. Raises: NotFound."""
        found = _match(self._by_kind["pipe"], uri)
        if found is None:
            self.open(uri)
        return found

    def invoke(self, uri: str | None, name: str) -> Found:
        """Answer who has the method. Raises: NotSupported: nobody; NotFound: nor such a URI."""
        if uri is None:
            handler = self._own_methods.get(name)
            found = None if handler is None else (handler, Parameters())
        else:
            found = _match(self._by_kind.get(_key(name), []), uri)
            if found is None and not any(_match(each, uri) for each in self._by_kind.values()):
                self._refuse(uri)
        if found is None:
            raise NotSupported(f"no method {name!r:.40} of {uri or 'the server'!r:.80}")
        return found

    def add_method(self, template: str, name: str, handler: Handler) -> None:
        """Send calls of the method `name`, of resources that match, to `handler`."""
        self.add(_key(name), template, handler)

    def _refuse(self, uri: str) -> NoReturn:
        raise NotFound(f"no resource {uri!r:.80}")


def _key(name: str) -> str:
    return f"invoke {name}"


def _match(routes: list[tuple[Template, Handler]], uri: str) -> Found | None:
    for template, handler in routes:
        parameters = template.match(uri)
        if parameters is not None:
            return handler, parameters
    return None
