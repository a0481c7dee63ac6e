"""Faces: proxies, servers, listeners and event senders of one protocol."""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.gen.ir import Json, doc_of
from ipcrt.fidl.gen.methods import Method
from ipcrt.fidl.gen.module_scope import Module
from ipcrt.fidl.gen.text import Group, docstring

TIMEOUT: Final = 25.0
"""Seconds a call may take unless told otherwise: the DEFAULT_TIMEOUT of the bindings."""


class Faces:
    """Emits the classes of one protocol."""

    def __init__(self, module: Module, protocol: Json, methods: list[Method]) -> None:
        self._module = module
        self._raw = protocol
        self._name = module.named[protocol["name"]]
        self._requests = [method for method in methods if method.kind != "event"]
        self._events = [method for method in methods if method.kind == "event"]
        self._taken = {method.name for method in methods}

    def classes(self) -> list[list[str]]:
        """Answer all of them."""
        found = [self._proxy(), self._blocking_proxy(), self._server()]
        return found + ([self._listener(), self._sender()] if self._events else [])

    # ---- clients

    def _proxy(self) -> list[str]:
        base = self._module.binding("proxy", "Proxy")
        about = "A client, awaited."
        if any(method.kind == "oneway" for method in self._requests):
            about = "A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."
        lines = self._head("Proxy", base, about, slots=True)
        for method in self._requests:
            lines += ["", *self._call(method, is_async=True)]
            if method.kind == "oneway":
                lines += ["", *self._send_now(method), "", *self._send_soon(method)]
        return lines

    def _blocking_proxy(self) -> list[str]:
        base = self._module.binding("proxy", "BlockingProxy")
        about = f"A client, blocking its thread; see `{self._derived('Proxy')}`."
        lines = self._head("BlockingProxy", base, about, slots=True)
        for method in self._requests:
            lines += ["", *self._call(method, is_async=False)]
            if method.kind == "oneway":
                lines += ["", *self._send_now(method)]
        return lines

    def _call(self, method: Method, *, is_async: bool) -> list[str]:
        prefix, wait = ("async def", "await ") if is_async else ("def", "")
        parameters = ["self", *method.parameters]
        if method.kind == "oneway":
            items: list[str | Group] = [method.constant, method.request_value]
            body = Group(f"{wait}self._send(", items, ")")
        else:
            parameters += ["*", f"timeout: {self._builtin('float')} | None = {TIMEOUT}"]
            answer = "return " if method.response else ""
            body = Group(f"{answer}{wait}self._call(", [*_sent(method), "timeout"], ")")
        head = Group(f"{prefix} {method.name}(", parameters, f") -> {method.response}:")
        return [*head.lines(4), *docstring(method.doc() if is_async else "", 8), *body.lines(8)]

    def _send_now(self, method: Method) -> list[str]:
        name = self._free(f"{method.name.rstrip('_')}_now")
        head = Group(f"def {name}(", ["self", *method.parameters], ") -> None:")
        body = Group("self._send_now(", _sent(method), ")")
        return [*head.lines(4), *body.lines(8)]

    def _send_soon(self, method: Method) -> list[str]:
        name = self._free(f"{method.name.rstrip('_')}_soon")
        told = "on_sent_" if any(p.startswith("on_sent:") for p in method.parameters) else "on_sent"
        parameters = [
            "self",
            *method.parameters,
            f"{told}: {self._module.binding('proxy', 'Done')}",
        ]
        head = Group(f"def {name}(", parameters, f") -> {self._builtin('bool')}:")
        body = Group("return self._send_soon(", [*_sent(method), told], ")")
        return [*head.lines(4), *body.lines(8)]

    # ---- servers

    def _server(self) -> list[str]:
        base = self._module.binding("abstract_server", "Server")
        about = f"Serves one client; see `{self._derived('Proxy')}`."
        lines = self._head("Server", base, about, slots=False)
        for method in self._requests:
            lines += ["", *self._handler(method)]
        return lines

    def _handler(self, method: Method) -> list[str]:
        abstract = self._module.use("abc", "abstractmethod")
        answer = self._module.binding("arguments", "Answer")
        parameters = ["self", *method.parameters]
        head = Group(f"def {method.name}(", parameters, f") -> {answer}[{method.response}]: ...")
        return [f"    @{abstract}", *head.lines(4)]

    # ---- events

    def _listener(self) -> list[str]:
        about = "Told of the events; give one to a proxy, and override what matters."
        lines = [f"class {self._derived('Events')}:", *docstring(about, 4)]
        for method in self._events:
            head = Group(f"def {method.name}(", ["self", *method.parameters], ") -> None:")
            about = doc_of(method.raw) or f"Event {method.raw['name']}."
            lines += ["", *head.lines(4), *docstring(about, 8)]
        return lines

    def _sender(self) -> list[str]:
        base = self._module.binding("events", "EventSender")
        about = f"Sends the events to one client; see `{self._derived('Events')}`."
        cls = f"class {self._derived('EventSender')}({base}[{self._name}]):"
        lines = [cls, *docstring(about, 4), "", "    __slots__ = ()"]
        for method in self._events:
            lines += ["", *self._send_event(method)]
        return lines

    def _send_event(self, method: Method) -> list[str]:
        parameters = ["self", *method.parameters]
        head = Group(f"def {method.name}(", parameters, ") -> None:")
        body = Group("self._send(", _sent(method), ")")
        now = [*head.lines(4), *body.lines(8)]
        waiting = self._free(f"{method.name.rstrip('_')}_wait")
        head = Group(f"async def {waiting}(", parameters, ") -> None:")
        body = Group("await self._send_wait(", _sent(method), ")")
        return [*now, "", *head.lines(4), *body.lines(8)]

    # ---- all of them

    def _head(self, suffix: str, base: str, about: str, *, slots: bool) -> list[str]:
        lines = [f"class {self._derived(suffix)}({base}[{self._name}]):", *docstring(about, 4)]
        lines += ["", f"    PROTOCOL = {self._name}"]
        return [*lines, "    __slots__ = ()"] if slots else lines

    def _derived(self, suffix: str) -> str:
        return self._module.derived[f"{self._raw['name']}:{suffix}"]

    def _builtin(self, name: str) -> str:
        if name not in self._taken:
            return name
        return f"{self._module.imports.module('builtins')}.{name}"

    def _free(self, name: str) -> str:
        return f"{name}_" if name in self._taken else name


def _sent(method: Method) -> list[str | Group]:
    return [method.constant, method.request_value]
