"""Markers, tables, errors and services: what a protocol is, before anybody speaks it."""

from __future__ import annotations

from ipcrt.fidl.gen import names
from ipcrt.fidl.gen.ir import Json, doc_of
from ipcrt.fidl.gen.methods import Method, table, title
from ipcrt.fidl.gen.module_scope import Module, error_key
from ipcrt.fidl.gen.text import Group, opening, quote


def marker(module: Module, protocol: Json) -> list[str]:
    """Emit the class that stands for a protocol in types."""
    name = module.named[protocol["name"]]
    base = module.binding("ends", "Protocol")
    about = doc_of(protocol) or f"Protocol {protocol['name']}."
    return opening(f"class {name}({base}):", "", alone=about)


def tables(module: Module, protocol: Json, methods: list[Method]) -> list[str]:
    """Emit the descriptors of a protocol's methods and its own."""
    lines = [line for method in methods for line in table(module, protocol, method)]
    cls, openness = (module.binding("tables", each) for each in ("ProtocolTable", "Openness"))
    constants = [method.constant for method in methods]
    items: list[str | Group] = [
        quote(title(protocol)),
        f"{openness}.{names.constant(protocol['openness'])}",
        Group("(", constants, ")", is_tuple=True),
    ]
    name = module.named[protocol["name"]]
    return lines + Group(f"{name}.TABLE = {cls}(", items, ")").lines()


def failures(module: Module) -> list[list[str]]:
    """Emit the exceptions that carry domain errors, one for each type of error."""
    errors: dict[str, Json] = {}
    for protocol in module.ir.declarations("protocol"):
        for raw in protocol["methods"]:
            error: Json | None = raw.get("maybe_response_err_type")
            if error is not None:
                errors.setdefault(error_key(error), error)
    return [_failure(module, error) for error in errors.values()]


def _failure(module: Module, error: Json) -> list[str]:
    name = module.failures[error_key(error)]
    number = _number(module, error)
    if number is not None:
        base = module.binding("int_errors", f"{number.capitalize()}Failed")
        return opening(f"class {name}({base}):", "", alone=f"An error of type {number}.")
    enum = module.types.named(error["identifier"])
    base = f"{module.binding('errors', 'DomainError')}[{enum}]"
    return [f"class {name}({base}):", f"    ERROR = {enum}"]


def _number(module: Module, error: Json) -> str | None:
    """Answer the type of an error that is a number; an enum without members is one."""
    if error["kind_v2"] == "primitive":
        return str(error["subtype"])
    enum = module.ir.find(error["identifier"])
    return str(enum["type"]) if enum is not None and not enum["members"] else None


def service(module: Module, decl: Json) -> list[str]:
    """Emit a service; the markers of its protocols must stand before it."""
    name = module.named[decl["name"]]
    base = module.binding("services", "Service")
    mapping = module.use("collections.abc", "Mapping")
    protocol = module.binding("ends", "Protocol")
    type_ = f"{module.use('typing', 'ClassVar')}[{mapping}[str, type[{protocol}]]]"
    members = [
        f"{quote(each['name'])}: {module.types.named(each['type']['protocol'])}"
        for each in decl["members"]
    ]
    return [
        *opening(f"class {name}({base}):", doc_of(decl)),
        f"    NAME = {quote(decl['name'])}",
        *Group(f"MEMBERS: {type_} = {{", members, "}").lines(4),
    ]
