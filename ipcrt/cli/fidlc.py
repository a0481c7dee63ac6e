"""ipcrt fidlc: compile FIDL libraries to JSON IR."""

from __future__ import annotations

import typer

SETTINGS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}
"""The compiler reads its own arguments: --files takes as many as follow it, as fidlc's does."""


def fidlc(context: typer.Context) -> int:
    """Compile FIDL libraries to JSON IR, or say what is wrong."""
    from ipcrt.cli.fidl_files import complain, say
    from ipcrt.fidl.command import USAGE, run_fidlc

    if {"-h", "--help"} & set(context.args):
        say(USAGE.replace("usage: fidlc", "Usage: ipcrt fidlc") + "\n")
        return 0
    return run_fidlc(context.args, say, complain)
