"""Constants, enums, bits, aliases and new types."""

from __future__ import annotations

import math
import re
from typing import Final

from ipcrt.fidl.gen import names
from ipcrt.fidl.gen.ir import Json, attribute, doc_of
from ipcrt.fidl.gen.module_scope import Module
from ipcrt.fidl.gen.text import docstring, opening, quote

_LARGEST: Final = (1 << 63) - 1
"""The largest member that an `enum.IntEnum` may have in a message; see `StrictUint64`."""
_HEXADECIMAL: Final = re.compile("0[xX][0-9a-fA-F]+")
_SUBCLASSABLE: Final = ("primitive", "string", "vector", "array")


def constants(module: Module, *, plain: bool) -> list[str]:
    """Emit the constants: the plain ones, or those whose value is an enum's or bits'."""
    lines: list[str] = []
    for const in module.ir.declarations("const"):
        is_plain = const["type"]["kind_v2"] != "identifier"
        if is_plain is plain:
            final = module.use("typing", "Final")
            name = module.named[const["name"]]
            lines += [f"{name}: {final} = {_value(module, const)}", *docstring(doc_of(const))]
    return lines


def _value(module: Module, const: Json) -> str:
    type_: Json = const["type"]
    text: str = const["value"]["value"]
    if type_["kind_v2"] == "identifier":
        return f"{module.types.named(type_['identifier'])}({int(text)})"
    if type_["kind_v2"] == "string":
        return quote(text)
    subtype: str = type_["subtype"]
    if subtype == "bool":
        return str({"false": False, "true": True}[text])
    if subtype.startswith("float"):
        return _real(module, const["value"])
    return _integer(const["value"])


def _real(module: Module, value: Json) -> str:
    """Answer a number as exactly as it is written: the IR's own value has six digits."""
    meant = module.ir.find(value.get("identifier", ""))
    if meant is not None:
        return _real(module, meant["value"])
    try:
        number = float(value["expression"])
    except ValueError:  # hexadecimal, or another library's
        number = float(value["value"])
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number of FIDL's")
    return repr(number).replace("e+", "e")


def _integer(value: Json) -> str:
    """Answer a number, in hexadecimal where the contract writes it so."""
    number, written = int(value["value"]), value.get("expression", "")
    if _HEXADECIMAL.fullmatch(written) and int(written, 16) == number:
        return f"0x{written[2:].upper()}"
    return str(number)


def enum(module: Module, decl: Json) -> list[str]:
    """Emit an enum."""
    if not decl["members"]:
        return _nothing_known(module, decl, decl["type"])
    if decl["strict"]:
        is_large = any(int(each["value"]["value"]) > _LARGEST for each in decl["members"])
        base = f"{module.imports.module('enum')}.IntEnum"
        base = module.binding("enums", "StrictUint64") if is_large else base
    else:
        base = module.binding("enums", f"Flexible{decl['type'].capitalize()}")
        base += _placeholder(decl)
    return _numbered(module, decl, base, hexadecimal=False)


def _placeholder(decl: Json) -> str:
    """Answer what tells the class of its member with `@unknown`; nothing where there is none."""
    marked = [each for each in decl["members"] if attribute(each, "unknown")]
    return "".join(f", unknown={_integer(each['value'])}" for each in marked)


def bits(module: Module, decl: Json) -> list[str]:
    """Emit bits."""
    if not decl["members"]:
        return _nothing_known(module, decl, decl["type"]["subtype"])
    width: str = decl["type"]["subtype"].removeprefix("uint")
    base = module.binding("bits", "StrictBits" if decl["strict"] else f"FlexibleBits{width}")
    return _numbered(module, decl, base, hexadecimal=True)


def _numbered(module: Module, decl: Json, base: str, *, hexadecimal: bool) -> list[str]:
    name = module.named[decl["name"]]
    lines = opening(f"class {name}({base}):", doc_of(decl))
    for member in decl["members"]:
        number = int(member["value"]["value"])
        value = f"0x{number:X}" if hexadecimal else _integer(member["value"])
        lines += [f"    {names.constant(member['name'])} = {value}"]
        lines += docstring(doc_of(member), 4)
    return lines


def _nothing_known(module: Module, decl: Json, subtype: str) -> list[str]:
    """Emit flexible values that are all unknown: Python's enums want a member."""
    name = module.named[decl["name"]]
    number = module.binding("scalars", subtype.capitalize())
    line = f"{name}: {module.use('typing', 'TypeAlias')} = {number}"
    return [line, *docstring(doc_of(decl))]


def alias(module: Module, decl: Json) -> list[str]:
    """Emit an alias."""
    name = module.named[decl["name"]]
    type_alias = module.use("typing", "TypeAlias")
    meant = module.types.bounded(decl)
    if '"' in meant:
        raise ValueError(f"alias {name} has no Python form")
    return [f"{name}: {type_alias} = {meant}", *docstring(doc_of(decl))]


def new_type(module: Module, decl: Json) -> list[str]:
    """Emit a new type: one of its own for a type checker, where Python can; else an alias."""
    if decl["type"]["kind_v2"] not in _SUBCLASSABLE or decl["type"].get("nullable"):
        return alias(module, decl)
    name = module.named[decl["name"]]
    make = module.use("typing", "NewType")
    meant = module.types.bounded(decl)
    return [f'{name} = {make}("{name}", {meant})', *docstring(doc_of(decl))]
