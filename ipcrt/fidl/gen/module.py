"""The module of one library: IR in, text out.

text = generate(json.loads(ir), Options(package_prefix="my.bindings"))
"""

from __future__ import annotations

import dataclasses
from typing import Final

from ipcrt.fidl.gen import layouts, names, protocols, values
from ipcrt.fidl.gen.faces import Faces
from ipcrt.fidl.gen.ir import Ir, Json, attribute_text, doc_of
from ipcrt.fidl.gen.methods import methods_of
from ipcrt.fidl.gen.module_scope import Module, unions
from ipcrt.fidl.gen.text import docstring

_BAD_IR: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
_ALIASES: Final = frozenset(("alias", "new_type", "union", "overlay"))
_TRANSPORTS: Final = ("Channel", "Driver")


@dataclasses.dataclass(frozen=True)
class Options:
    """What a user of the back end may choose."""

    package_prefix: str = ""
    """The package that the modules of other libraries are in; none: they are top-level."""


class BadIr(ValueError):
    """The IR lacks something, or holds what has no Python form."""


def generate(ir: Json, options: Options | None = None) -> str:
    """Answer the Python module for one library's JSON IR.

    Raises: BadIr. ValueError: the options name no package.
    """
    options = options or Options()
    names.package(options.package_prefix)
    try:
        return _module(Ir(ir), options)
    except _BAD_IR as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BadIr(f"not a library's JSON IR: {what}") from error


def _module(ir: Ir, options: Options) -> str:
    module = Module(ir, options.package_prefix)
    methods = [(each, methods_of(module, each)) for each in spoken(ir)]
    blocks = _types(module)
    blocks += [protocols.tables(module, each, found) for each, found in methods]
    blocks += [face for each, found in methods for face in Faces(module, each, found).classes()]
    loose = values.constants(module, plain=True)
    head = [f"# Library {ir.name}: generated; do not edit."]
    about = docstring(doc_of(ir.root) or f"FIDL library {ir.name}.")
    lines = [*head, *about, "", *module.imports.lines()]
    if loose:
        lines += ["", *loose]
    for block in blocks:
        is_code = block[0].startswith(("class ", "@"))
        was_code = lines[-1].startswith(" ")
        lines += ["", ""] if is_code or was_code else [""]
        lines += block
    return "\n".join(lines) + "\n"


def _types(module: Module) -> list[list[str]]:
    """Emit the layouts; classes first, then what is made of them when the module is read."""
    ir = module.ir
    blocks = [values.enum(module, each) for each in ir.declarations("enum")]
    blocks += [values.bits(module, each) for each in ir.declarations("bits")]
    blocks += protocols.failures(module)
    for each in ir.in_text(frozenset(("struct", "table"))):
        if not each.get("is_empty_success_struct"):
            is_table = ir.kinds[each["name"]] == "table"
            blocks.append((layouts.table if is_table else layouts.struct)(module, each))
    for each in unions(ir):
        blocks += layouts.variants(module, each)
    blocks += [protocols.marker(module, each) for each in spoken(ir)]
    for each in ir.in_order(_ALIASES):
        blocks += _alias(module, each)
    late = values.constants(module, plain=False)
    blocks += [late] if late else []
    return blocks + [protocols.service(module, each) for each in ir.declarations("service")]


def _alias(module: Module, decl: Json) -> list[list[str]]:
    kind = module.ir.kinds[decl["name"]]
    if kind == "alias":
        return [values.alias(module, decl)]
    if kind == "new_type":
        return [values.new_type(module, decl)]
    return [] if decl.get("is_result") else [layouts.union(module, decl)]


def spoken(ir: Ir) -> list[Json]:
    """Answer the protocols that travel over channels; system calls, say, do not."""
    found = ir.declarations("protocol")
    return [p for p in found if (attribute_text(p, "transport") or "Channel") in _TRANSPORTS]
