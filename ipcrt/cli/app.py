"""The verbs, put together. Each verb's module imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ipcrt.cli.activate import activate
from ipcrt.cli.call import call
from ipcrt.cli.demo import demo
from ipcrt.cli.fidl_abi import fidl_abi
from ipcrt.cli.fidl_format import fidl_format
from ipcrt.cli.fidl_lint import fidl_lint
from ipcrt.cli.fidlc import SETTINGS as FIDLC_SETTINGS
from ipcrt.cli.fidlc import fidlc
from ipcrt.cli.fidlgen import fidlgen
from ipcrt.cli.inspect import inspect
from ipcrt.cli.invoke import invoke
from ipcrt.cli.list import list_
from ipcrt.cli.open import open_
from ipcrt.cli.pipe import pipe
from ipcrt.cli.policy import policy
from ipcrt.cli.spawn import spawn
from ipcrt.cli.talk import talk

app: Final = typer.Typer(
    help="Typed local IPC: look at a locator, call what it offers, start it on demand; use FIDL.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: rich would take longer to load than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# What follows COMMAND is the command's own, whether or not "--" stands before it.
app.command(context_settings={"allow_interspersed_args": False})(activate)
app.command(context_settings={"allow_interspersed_args": False})(spawn)
app.command("list")(list_)
app.command()(call)
app.command()(talk)
app.command()(inspect)
app.command("open")(open_)
app.command()(pipe)
app.command()(invoke)
app.command()(demo)
app.command(context_settings=FIDLC_SETTINGS, add_help_option=False)(fidlc)
app.command()(fidlgen)
app.command()(fidl_format)
app.command()(fidl_lint)
app.command()(fidl_abi)
app.add_typer(policy, name="policy")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ipcrt {version('ipcrt')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    del version
