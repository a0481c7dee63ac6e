"""ipcrt fidlgen: write bindings from a library's JSON IR."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ipcrt.cli.complaint import Failed, complaint
from ipcrt.cli.fidl_files import read_text, replace_text, say

if TYPE_CHECKING:
    from ipcrt.fidl.gen.ir import Json

_Ir = Annotated[
    str, typer.Option("--json", metavar="IR", help="JSON IR of one library, from ipcrt fidlc.")
]
_Out = Annotated[
    str, typer.Option("--out", metavar="FILE", help="File to write, all or nothing; - for stdout.")
]


def _complete(incomplete: str) -> list[str]:
    from ipcrt.fidl.gen.backends import names

    return [name for name in names() if name.startswith(incomplete)]


_Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="NAME",
        help="What to write; packages bring more.",
        autocompletion=_complete,
    ),
]
_Package = Annotated[
    str,
    typer.Option(
        "--package",
        metavar="PREFIX",
        help="Package that other libraries' bindings are in. Default: they are top-level.",
        show_default=False,
    ),
]


def fidlgen(ir: _Ir, out: _Out, backend: _Backend = "python", package: _Package = "") -> int:
    """Write bindings from a library's JSON IR.

    For library a.b.c the Python module should be a_b_c, where others import it.
    """
    text = _generate(ir, backend, package)
    if out == "-":
        say(text)
        return 0
    try:
        replace_text(out, text)
    except OSError as error:
        raise Failed(complaint(error)) from None
    return 0


def _generate(name: str, backend: str, package: str) -> str:
    """Answer the text. Raises: Failed: no such back end, or one that cannot use the IR."""
    from ipcrt.fidl.gen.backends import NoBackend, find
    from ipcrt.fidl.gen.module import Options

    try:
        generate = find(backend)
    except NoBackend as error:
        raise Failed(str(error)) from None
    ir = _read(name)
    try:
        return generate(ir, Options(package_prefix=package))
    except ValueError as error:
        raise Failed(f"{name}: {error}") from None


def _read(name: str) -> Json:
    found: Any
    try:
        found = json.loads(read_text(name))
    except RecursionError:
        raise Failed(f"{name}: nested too deep for JSON IR") from None
    except ValueError as error:
        raise Failed(f"{name}: no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Failed(f"{name}: no JSON IR, which is an object")
    return cast("Json", found)
