"""Attributes' arguments: named, counted, and given values, against the schema of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ipcrt.fidl.ast import LiteralKind
from ipcrt.fidl.attribute_names import OFFICIAL, ArgType, Schema
from ipcrt.fidl.canonical import canonical, is_identifier
from ipcrt.fidl.constants import Const, LiteralConst, RefConst
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Arg, Attr, Decl, Element
from ipcrt.fidl.naming import NamingContext
from ipcrt.fidl.numbers import parse_number, string_value
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import PrimitiveType, StringType
from ipcrt.fidl.versions import HEAD, NEXT

Evaluate: TypeAlias = Callable[[Const, ArgType | None], bool]
"""Gives a constant a value of the type, or of its own; answers whether it could."""


def compile_attributes(element: Element, evaluate: Evaluate, reporter: Reporter) -> None:
    """Compile an element's attributes; report those that it has twice."""
    if not element.attributes:
        return
    seen: dict[str, Attr] = {}
    for attribute in element.attributes:
        previous = seen.setdefault(canonical(attribute.name), attribute)
        if previous is not attribute:
            _report_twice(attribute, previous, reporter)
        compile_attribute(attribute, evaluate, reporter)


def _report_twice(attribute: Attr, previous: Attr, reporter: Reporter) -> None:
    name, span, where = attribute.name, attribute.name_span, previous.name_span
    if name == previous.name:
        reporter.error("fi-0122", span, name, where)
    else:
        reporter.error("fi-0123", span, name, previous.name, where, canonical(name))


def compile_attribute(attribute: Attr, evaluate: Evaluate, reporter: Reporter) -> None:
    """Compile an attribute, once."""
    if attribute.compiled:
        return
    attribute.compiled = True
    _check_twice(attribute, reporter)
    schema = OFFICIAL.get(attribute.name)
    if schema is None:
        _compile_own(attribute, evaluate, reporter)
    elif not schema.deprecated:
        _compile_official(attribute, schema, evaluate, reporter)


def compile_early(attribute: Attr, reporter: Reporter) -> None:
    """Compile an attribute whose arguments must be literals, before names are resolved."""
    compile_attribute(attribute, lambda _constant, _type: False, reporter)


def _check_twice(attribute: Attr, reporter: Reporter) -> None:
    seen: dict[str, Arg] = {}
    for arg in attribute.args:
        if arg.name is None:
            continue
        previous = seen.setdefault(canonical(arg.name), arg)
        if previous is arg:
            continue
        where = previous.name_span
        if previous.name == arg.name:
            reporter.error("fi-0130", attribute.span, attribute.name, arg.name, where)
        else:
            form = canonical(arg.name)
            reporter.error(
                "fi-0131", attribute.span, attribute.name, arg.name, previous.name, where, form
            )


def _compile_own(attribute: Attr, evaluate: Evaluate, reporter: Reporter) -> None:
    """Compile an attribute that the language does not know: strings and booleans pass."""
    for arg in attribute.args:
        if arg.name is None:
            arg.name = "value"
        if not evaluate(arg.value, None):
            reporter.error("fi-0104", attribute.span)
            continue
        type_ = arg.value.type
        is_bool = isinstance(type_, PrimitiveType) and type_.subtype == "bool"
        if not is_bool and not isinstance(type_, StringType):
            reporter.error("fi-0124", attribute.span, arg.name, attribute.name)


def _compile_official(
    attribute: Attr, schema: Schema, evaluate: Evaluate, reporter: Reporter
) -> None:
    if not _name_lone_arg(attribute, schema, reporter):
        return
    for arg in attribute.args:
        wanted = schema.args.get(arg.name or "")
        if wanted is None:
            reporter.error("fi-0129", attribute.span, attribute.name, arg.name)
        else:
            _compile_arg(attribute, arg, wanted, None if schema.early else evaluate, reporter)
    if schema.takes_value and attribute.arg("value") is None:
        reporter.error("fi-0128", attribute.span, attribute.name)


def _name_lone_arg(attribute: Attr, schema: Schema, reporter: Reporter) -> bool:
    """Give a lone argument the name that the schema has for it; False where it has none."""
    args = attribute.args
    if len(args) == 1 and args[0].name is None:
        if not schema.args:
            reporter.error("fi-0132", attribute.span, attribute.name)
            return False
        if len(schema.args) > 1:
            reporter.error("fi-0126", attribute.span, args[0].value.span.text)
            return False
        (args[0].name,) = schema.args
    elif len(args) == 1 and len(schema.args) == 1:
        reporter.error("fi-0125", attribute.span)
    return True


def _compile_arg(
    attribute: Attr,
    arg: Arg,
    wanted: ArgType,
    evaluate: Evaluate | None,
    reporter: Reporter,
) -> None:
    """Compile one argument; without `evaluate`, it must be a literal."""
    value = arg.value
    if wanted is ArgType.VERSION and isinstance(value, RefConst):
        _compile_special_version(arg, value, reporter)
        return
    if evaluate is not None:
        done = evaluate(value, wanted)
    elif isinstance(value, LiteralConst):
        done = _compile_literal(value, wanted, reporter)
    else:
        reporter.error("fi-0133", value.span, arg.name, attribute.name)
        return
    if not done:
        reporter.error("fi-0104", arg.span)


def _compile_special_version(arg: Arg, value: RefConst, reporter: Reporter) -> None:
    version = {"NEXT": NEXT, "HEAD": HEAD}.get(value.ref.text)
    if version is None:
        reporter.error("fi-0153", arg.span, value.span.text)
        return
    value.tried, value.value, value.type = True, version, PrimitiveType("uint32")


def _compile_literal(value: LiteralConst, wanted: ArgType, reporter: Reporter) -> bool:
    value.tried = True
    if wanted is ArgType.STRING and value.kind is LiteralKind.STRING:
        value.value, value.type = string_value(value.text), StringType()
        return True
    name = "string" if wanted is ArgType.STRING else "uint32"
    if wanted is ArgType.STRING or value.kind is not LiteralKind.NUMERIC:
        reporter.error("fi-0065", value.span, value.text, value.kind.value, name)
        return False
    value.value = parse_number(value.text, "uint32")
    if value.value is None:
        reporter.error("fi-0066", value.span, value.text, name)
        return False
    value.type = PrimitiveType("uint32")
    return True


def override_name(decl: Decl, reporter: Reporter) -> None:
    """Name a layout as its `@generated_name` says, where it has one."""
    attribute = decl.attribute("generated_name")
    context: NamingContext | None = decl.context
    if attribute is None or context is None:
        return
    compile_early(attribute, reporter)
    arg = attribute.arg("value")
    if arg is None or not isinstance(arg.value.value, str):
        return
    name = arg.value.value
    if is_identifier(name):
        context.override = decl.name = name
    else:
        reporter.error("fi-0146", arg.span)


def string_arg(attribute: Attr | None, name: str) -> tuple[str, Span] | None:
    """Answer a string argument and its place, or None."""
    arg = None if attribute is None else attribute.arg(name)
    if arg is None or not isinstance(arg.value.value, str):
        return None
    return arg.value.value, arg.span
