"""A small writer of JSON IRs: what a front end would emit, as far as comparing needs it."""

from __future__ import annotations

from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]
BOOL: Node = {"kind_v2": "primitive", "subtype": "bool"}
INT: Node = {"kind_v2": "primitive", "subtype": "int32"}


def string(bound: int | None = None, *, nullable: bool = False) -> Node:
    found: Node = {"kind_v2": "string", "nullable": nullable}
    return found if bound is None else found | {"maybe_element_count": bound}


def vector(element: Node, bound: int | None = None) -> Node:
    found: Node = {"kind_v2": "vector", "nullable": False, "element_type": element}
    return found if bound is None else found | {"maybe_element_count": bound}


def array(element: Node, count: int) -> Node:
    return {"kind_v2": "array", "element_type": element, "element_count": count}


def handle(subtype: str, rights: int) -> Node:
    return {"kind_v2": "handle", "subtype": subtype, "rights": rights, "nullable": False}


def end(role: str, protocol: str) -> Node:
    return {
        "kind_v2": "endpoint",
        "role": role,
        "protocol": f"t/{protocol}",
        "nullable": False,
        "protocol_transport": "Channel",
    }


def ref(name: str, *, nullable: bool = False) -> Node:
    identifier = name if "/" in name else f"t/{name}"
    return {"kind_v2": "identifier", "identifier": identifier, "nullable": nullable}


def struct(name: str, **members: Node) -> Node:
    listed = [{"name": key, "type": type_} for key, type_ in members.items()]
    return _declaration("struct", name) | {"members": listed, "resource": False}


def table(name: str, **members: tuple[int, Node]) -> Node:
    return _declaration("table", name) | {"members": _ordinals(members), "resource": False}


def union(name: str, *, strict: bool, **members: tuple[int, Node]) -> Node:
    found = {"members": _ordinals(members), "resource": False, "strict": strict}
    return _declaration("union", name) | found | {"is_result": False}


def enum(name: str, *, strict: bool, type_: str = "uint32", **members: int) -> Node:
    found = {"members": _values(members), "strict": strict, "type": type_}
    return _declaration("enum", name) | found


def bits(name: str, *, strict: bool, **members: int) -> Node:
    type_ = {"kind_v2": "primitive", "subtype": "uint32"}
    found = {"members": _values(members), "strict": strict, "type": type_}
    return _declaration("bits", name) | found


def const(name: str, type_: Node, value: str) -> Node:
    return _declaration("const", name) | {"type": type_, "value": {"value": value}}


def alias(name: str, type_: Node) -> Node:
    return _declaration("alias", name) | {"type": type_}


def service(name: str, **members: Node) -> Node:
    listed = [{"name": key, "type": type_} for key, type_ in members.items()]
    return _declaration("service", name) | {"members": listed}


def protocol(name: str, *methods: Node, openness: str = "open", discoverable: bool = False) -> Node:
    found: Node = {"methods": list(methods), "openness": openness}
    if discoverable:
        found["maybe_attributes"] = [{"name": "discoverable", "arguments": []}]
    return _declaration("protocol", name) | found


def method(
    name: str,
    kind: str,
    request: Node | None = None,
    response: Node | None = None,
    *,
    strict: bool = False,
    error: Node | None = None,
    ordinal: int | None = None,
) -> Node:
    """A method as the IR has it: flexible or failing ones answer a result."""
    found: Node = {
        "kind": kind,
        "ordinal": ordinal if ordinal is not None else sum(name.encode()),
        "name": name,
        "strict": strict,
        "has_request": kind != "event",
        "has_response": kind != "oneway",
        "has_error": error is not None,
    }
    if request is not None:
        found["maybe_request_payload"] = request
    if kind == "twoway" and (error is not None or not strict):
        found["maybe_response_payload"] = ref(f"P_{name}_Result")
        found["maybe_response_success_type"] = response or ref("Empty")
        if error is not None:
            found["maybe_response_err_type"] = error
    elif response is not None:
        found["maybe_response_payload"] = response
    return found


def anonymous(declaration: Node) -> Node:
    """The same, as if it stood where it is used."""
    return declaration | {"naming_context": ["P", declaration["name"]]}


def library(*declarations: Node, name: str = "t") -> Node:
    """An IR of these declarations."""
    empty = struct("Empty") | {"is_empty_success_struct": True, "naming_context": ["P", "Empty"]}
    found: Node = {"name": name}
    for declaration in (empty, *declarations):
        key = f"{declaration['is']}_declarations"
        found.setdefault(key, []).append(declaration)
    return found


def _declaration(kind: str, name: str) -> Node:
    full_name = name if "/" in name else f"t/{name}"
    return {"is": kind, "name": full_name, "naming_context": [name], "deprecated": False}


def _ordinals(members: dict[str, tuple[int, Node]]) -> list[Node]:
    return [
        {"ordinal": ordinal, "name": key, "type": type_}
        for key, (ordinal, type_) in members.items()
    ]


def _values(members: dict[str, int]) -> list[Node]:
    return [{"name": key, "value": {"value": str(value)}} for key, value in members.items()]
