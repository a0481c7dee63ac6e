"""Scope of one library: the names of all that its module will hold, settled before any text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ipcrt.fidl.gen import names
from ipcrt.fidl.gen.annotations import Annotations
from ipcrt.fidl.gen.imports import Imports
from ipcrt.fidl.gen.ir import Ir, Json, attribute_text

_VARIANT_KINDS: Final = ("union", "overlay")


class Module:
    """What every part of the text is made from."""

    def __init__(self, ir: Ir, prefix: str) -> None:
        self.ir = ir
        names.module(ir.name)
        self.named = names.settle(ir.kinds)
        """What each declaration is called in its module, ours and others'."""
        self.scope = names.Scope()
        for name, local in self.named.items():
            if ir.is_local(name):
                self.scope.declare(local)
        for name in _small_names(ir):
            self.scope.declare(name)
        self.variants = {each["name"]: self._variants(each) for each in unions(ir)}
        self.failures = self._failures()
        self.derived: dict[str, str] = {}
        for protocol in ir.declarations("protocol"):
            self._derive(protocol)
        self.imports = Imports(self.scope)
        self.types = Annotations(ir, self.named, self.imports, prefix)

    def use(self, module: str, name: str) -> str:
        """Import a name; `module` is one of ours without the `ipcrt.` in front, or any other."""
        return self.imports.name(module, name)

    def binding(self, module: str, name: str) -> str:
        """Import a name from a module of the bindings."""
        return self.imports.name(f"ipcrt.bindings.{module}", name)

    def _variants(self, union: Json) -> dict[int, str]:
        """Name the class of each member of a union."""
        name = self.named[union["name"]]
        members: list[Json] = union["members"]
        return {m["ordinal"]: self.scope.derive(name + names.camel(m["name"])) for m in members}

    def _failures(self) -> dict[str, str]:
        """Name the exception of each type that a method has for its error."""
        found: dict[str, str] = {}
        for protocol in self.ir.declarations("protocol"):
            for method in protocol["methods"]:
                error: Json | None = method.get("maybe_response_err_type")
                if error is not None and error_key(error) not in found:
                    found[error_key(error)] = self.scope.derive(self._failure(error))
        return found

    def _failure(self, error: Json) -> str:
        key = error_key(error)
        enum = self.ir.find(key)
        given = None if enum is None else attribute_text(enum, "python_exception")
        if given:
            return names.declared(given)
        stem = self.named[key] if "/" in key else f"{key.capitalize()}Error"
        return (stem.removesuffix("Error") or stem) + "Failed"

    def _derive(self, protocol: Json) -> None:
        """Name the classes and constants that a protocol makes."""
        name = self.named[protocol["name"]]
        for suffix in ("Proxy", "BlockingProxy", "Server", "Events", "EventSender"):
            self.derived[f"{protocol['name']}:{suffix}"] = self.scope.derive(name + suffix)
        for method in protocol["methods"]:
            constant = f"{names.constant(name)}_{names.constant(method['name'])}"
            self.derived[f"{protocol['name']}.{method['name']}"] = self.scope.derive(constant)


def unions(ir: Ir) -> list[Json]:
    """Answer the unions that appear in Python: a result union is not one of them."""
    found = [each for kind in _VARIANT_KINDS for each in ir.declarations(kind)]
    return [each for each in found if not each.get("is_result")]


def error_key(error: Json) -> str:
    """Tell error types apart: an enum by its name, a number by its type."""
    return str(error.get("identifier") or error["subtype"])


def _small_names(ir: Ir) -> Iterator[str]:
    """Answer what classes and functions will call their members and parameters.

    An import of such a name would be hidden there; it gets another name.
    """
    yield from ("payload", "self", "timeout", "value")
    for layout in (*ir.declarations("table"), *ir.all_structs()):
        for each in layout["members"]:
            yield from (names.member(each["name"]), names.parameter(each["name"]))
    for protocol in ir.declarations("protocol"):
        for method in protocol["methods"]:
            name = names.method(method["name"])
            yield from (name, *(f"{name.rstrip('_')}_{how}" for how in ("now", "soon", "wait")))
