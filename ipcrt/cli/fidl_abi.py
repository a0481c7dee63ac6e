"""ipcrt fidl-abi: what changed between two versions of a library, and whom it breaks."""

from __future__ import annotations

from typing import Annotated

import typer

from ipcrt.cli.complaint import Failed
from ipcrt.cli.fidl_files import read_text, say
from ipcrt.cli.options import JsonOption

_Old = Annotated[str, typer.Argument(metavar="OLD.json", help="The older IR.", show_default=False)]
_New = Annotated[str, typer.Argument(metavar="NEW.json", help="The newer IR.", show_default=False)]


def fidl_abi(old: _Old, new: _New, as_json: JsonOption = False) -> int:
    """Say what changed between two JSON IRs, and whom it breaks.

    Both are of one library. Exit status: 1 where something breaks.
    """
    from ipcrt.fidl.abi import changes_json, changes_text, compare_files, exit_code
    from ipcrt.fidl.abi_ir import BadIr

    try:
        changes = compare_files(old, read_text(old), new, read_text(new))
    except BadIr as error:
        raise Failed(str(error)) from None
    say(changes_json(changes) if as_json else changes_text(changes))
    return exit_code(changes)
