"""Methods: what proxies, servers and tables all need to know of one."""

from __future__ import annotations

import dataclasses
import hashlib

from ipcrt.fidl.gen import names
from ipcrt.fidl.gen.ir import Json, attribute_text, doc_of
from ipcrt.fidl.gen.module_scope import Module, error_key
from ipcrt.fidl.gen.text import Group, clean, quote


@dataclasses.dataclass(frozen=True)
class Method:
    """One method or event of one protocol, in Python's words."""

    raw: Json
    name: str
    constant: str
    parameters: tuple[str, ...]
    """`name: annotation` for each."""
    request: str | None
    """The payload's type; None for `()`."""
    request_value: str | Group
    """The expression that makes the payload from the parameters."""
    response: str | None
    failure: str | None
    has_union: bool
    """The request or response is a union, which is no class to a type checker."""

    @property
    def kind(self) -> str:
        """`twoway`, `oneway` or `event`."""
        return str(self.raw["kind"])

    def doc(self) -> str:
        """Answer the documentation, with what it may raise."""
        text = clean(doc_of(self.raw))
        raises = f"Raises: {self.failure}." if self.failure else ""
        return f"{text}\n\n{raises}" if text and raises else text or raises


def methods_of(module: Module, protocol: Json) -> list[Method]:
    """Answer all methods of a protocol, composed ones included."""
    raws: list[Json] = protocol["methods"]
    hidden = frozenset(names.method(raw["name"]) for raw in raws)
    return [_method(module, protocol, raw, hidden) for raw in raws]


def _method(module: Module, protocol: Json, raw: Json, hidden: frozenset[str]) -> Method:
    is_event = raw["kind"] == "event"
    sent: Json | None = raw.get("maybe_response_payload" if is_event else "maybe_request_payload")
    answered = None if raw["kind"] != "twoway" else _success(module, raw)
    error: Json | None = raw.get("maybe_response_err_type")
    parameters = _parameters(module, sent, hidden)
    request = None if sent is None else module.types.named(sent["identifier"])
    return Method(
        raw=raw,
        name=names.method(raw["name"]),
        constant=module.derived[f"{protocol['name']}.{raw['name']}"],
        parameters=tuple(f"{name}: {annotation}" for name, annotation in parameters),
        request=request,
        request_value=_value(module, sent, request, [name for name, _ in parameters]),
        response=None if answered is None else module.types.named(answered["identifier"]),
        failure=None if error is None else module.failures[error_key(error)],
        has_union=any(_is_union(module, each) for each in (sent, answered)),
    )


def _success(module: Module, raw: Json) -> Json | None:
    """Answer the type of a reply that went well; None for `()`."""
    payload: Json | None = raw.get("maybe_response_success_type")
    if not raw["has_error"] and raw["strict"]:
        payload = raw.get("maybe_response_payload")
    if payload is None or module.ir.kinds[payload["identifier"]] != "struct":
        return payload
    empty = module.ir.struct(payload["identifier"])["is_empty_success_struct"]
    return None if empty else payload


def _parameters(
    module: Module, payload: Json | None, hidden: frozenset[str]
) -> list[tuple[str, str]]:
    if payload is None:
        return []
    if module.ir.kinds[payload["identifier"]] != "struct":
        return [("payload", module.types.bare(payload, hidden))]
    members: list[Json] = module.ir.struct(payload["identifier"])["members"]
    return [(names.parameter(m["name"]), module.types.bare(m["type"], hidden)) for m in members]


def _value(
    module: Module, payload: Json | None, name: str | None, arguments: list[str]
) -> str | Group:
    if payload is None:
        return "None"
    if module.ir.kinds[payload["identifier"]] != "struct":
        return "payload"
    return Group(f"{name}(", arguments, ")")


def _is_union(module: Module, payload: Json | None) -> bool:
    return payload is not None and module.ir.kinds[payload["identifier"]] in ("union", "overlay")


# ---- the method's table


def table(module: Module, protocol: Json, method: Method) -> list[str]:
    """Emit the descriptor of a method."""
    kind = {"twoway": "TwoWay", "oneway": "OneWay", "event": "Event"}[method.kind]
    cls = module.binding("tables", kind)
    selector, ordinal = _selector(module, protocol, method.raw)
    items = [quote(selector), _class(module, method, method.request)]
    types = [method.request or "None"]
    if method.kind == "twoway":
        items.append(_class(module, method, method.response))
        types.append(method.response or "None")
    if method.failure:
        items.append(f"raises={method.failure}")
    if method.raw["strict"]:
        items.append("strict=True")
    if method.name != names.method(selector.rpartition(".")[2]):
        items.append(f"name={quote(method.name)}")
    if ordinal is not None:
        items.append(f"ordinal=0x{ordinal:X}")
    annotation = f": {cls}[{', '.join(types)}]" if method.has_union else ""
    return Group(f"{method.constant}{annotation} = {cls}(", items, ")").lines()


def _class(module: Module, method: Method, name: str | None) -> str:
    if name is None:
        return "type(None)"
    return f"{module.binding('union', 'as_payload')}({name})" if method.has_union else name


def _selector(module: Module, protocol: Json, raw: Json) -> tuple[str, int | None]:
    """Answer the selector; and the ordinal, where no selector can be found that makes it.

    A method that was composed has the selector of the protocol that declares it.
    """
    given = attribute_text(raw, "selector")
    if given and "/" in given:
        return given, None
    name = given or raw["name"]
    for candidate in _declarers(module, protocol["name"]):
        if _ordinal(f"{candidate}.{name}") == raw["ordinal"]:
            return f"{candidate}.{name}", None
    return f"{protocol['name']}.{name}", raw["ordinal"]


def _declarers(module: Module, name: str) -> list[str]:
    """Answer a protocol and all those that it is composed of, as far as this IR tells."""
    found = [name]
    for each in found:
        protocol = module.ir.find(each)
        if protocol is not None:
            composed: list[Json] = protocol["composed_protocols"]
            found += [c["name"] for c in composed if c["name"] not in found]
    return found


def _ordinal(selector: str) -> int:
    digest = hashlib.sha256(selector.encode()).digest()
    return int.from_bytes(digest[:8], "little") & ~(1 << 63)


def title(protocol: Json) -> str:
    """Answer the name under which a protocol is offered: `library/Protocol`.

    FIDL's `@discoverable(name="library.Protocol")` may give another one.
    """
    given = attribute_text(protocol, "discoverable", "name")
    if not given:
        return str(protocol["name"])
    front, _, last = given.rpartition(".")
    return f"{front}/{last}"
