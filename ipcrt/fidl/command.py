"""The commands' work: arguments read, files read, libraries compiled, reports and IR written.

A mistake in a library is a diagnostic; one in the arguments or the files is a line `error: ...`.
Either way the answer is 1, and nothing is written to the output.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Final

from ipcrt.fidl.compile import compile_library
from ipcrt.fidl.diagnostics import MAX_KEPT, Reporter
from ipcrt.fidl.json_ir import generate
from ipcrt.fidl.library import FLAGS, Library, Session
from ipcrt.fidl.source import SourceFile
from ipcrt.fidl.standard import provide
from ipcrt.fidl.versions import parse_version

MAX_FILE_BYTES: Final = 16 << 20
"""No file that a person writes is larger."""

USAGE: Final = """\
usage: fidlc [--json OUT] [--name LIBRARY] [--available PLATFORM:VERSION[,VERSION...]]...
             [--experimental FLAG]... [--format text|json] [--werror]
             --files A.fidl... [--files B.fidl...]...

Each --files is one library, dependencies first; the last is the target.
Library zx need not be given."""


class UsageError(Exception):
    """The arguments or the files are wrong; the message says how."""


@dataclasses.dataclass(slots=True)
class Options:
    """What the command line says."""

    json_out: str | None = None
    name: str | None = None
    json_reports: bool = False
    warnings_fail: bool = False
    session: Session = dataclasses.field(default_factory=Session)
    libraries: list[list[str]] = dataclasses.field(default_factory=list[list[str]])


def parse_arguments(arguments: Sequence[str]) -> Options:
    """Read the command line. Raises: UsageError."""
    options = Options()
    flags: set[str] = set()
    handlers: dict[str, Callable[[str], None]] = {
        "--json": lambda value: setattr(options, "json_out", value),
        "--name": lambda value: setattr(options, "name", value),
        "--format": lambda value: _set_format(options, value),
        "--available": lambda value: _add_available(options.session, value),
        "--experimental": lambda value: _add_flag(flags, value),
    }
    at = 0
    while at < len(arguments):
        word, equals, value = arguments[at].partition("=")
        at += 1
        if word == "--files" and not equals:
            end = at
            while end < len(arguments) and not arguments[end].startswith("--"):
                end += 1
            if end == at:
                raise UsageError("--files needs at least one file")
            options.libraries.append(list(arguments[at:end]))
            at = end
            continue
        if word == "--werror" and not equals:
            options.warnings_fail = True
            continue
        handler = handlers.get(word)
        if handler is None:
            raise UsageError(f"'{arguments[at - 1]}' is no option")
        if not equals:
            if at == len(arguments):
                raise UsageError(f"{word} needs a value")
            value = arguments[at]
            at += 1
        handler(value)
    if not options.libraries:
        raise UsageError("no --files")
    options.session.flags = frozenset(flags)
    return options


def _set_format(options: Options, value: str) -> None:
    if value not in ("text", "json"):
        raise UsageError(f"--format is text or json, not '{value}'")
    options.json_reports = value == "json"


def _add_flag(flags: set[str], value: str) -> None:
    if value not in FLAGS:
        raise UsageError(f"there is no experiment '{value}'; there are {', '.join(FLAGS)}")
    flags.add(value)


def _add_available(session: Session, value: str) -> None:
    platform, colon, versions = value.partition(":")
    if not colon:
        raise UsageError(f"--available is PLATFORM:VERSION[,VERSION...], not '{value}'")
    found: list[int] = []
    for text in versions.split(","):
        version = parse_version(text)
        if version is None:
            raise UsageError(f"'{text}' is no version; versions are 1 to 2^31-1, NEXT and HEAD")
        found.append(version)
    if platform in session.selection.platforms:
        raise UsageError(f"--available names platform '{platform}' twice")
    if not session.selection.insert(platform, found):
        raise UsageError(f"'{platform}' is no platform's name")


def read_source(name: str) -> SourceFile:
    """Read a file of a library. Raises: UsageError."""
    path = Path(name)
    try:
        if not name:
            raise UsageError("a file's name is empty")
        if path.is_fifo() and path.resolve().exists():  # a shell's <(...) has no such place
            raise UsageError(f"{name}: is a FIFO; nobody might ever write to it")
        if path.is_dir():
            raise UsageError(f"{name}: is a directory")
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            size = path.stat().st_size
            raise UsageError(f"{name}: {size} bytes exceed {MAX_FILE_BYTES}")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{name}: {reason}") from None
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"{name}: more than {MAX_FILE_BYTES} bytes")
    try:
        return SourceFile(name, data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: no valid UTF-8") from None


def compile_all(options: Options, reporter: Reporter) -> Library | None:
    """Compile the libraries in their order; answer the last. Raises: UsageError: a file."""
    library, session = None, options.session
    session.provide = lambda name: provide(name, session, reporter)
    for names in options.libraries:
        sources = [read_source(name) for name in dict.fromkeys(names)]
        library = compile_library(sources, session, reporter)
        if library is None or (options.warnings_fail and reporter.diagnostics):
            return None
    return library


def run_fidlc(
    arguments: Sequence[str], out: Callable[[str], object], err: Callable[[str], object]
) -> int:
    """Do the work of `fidlc`; answer 0, or 1 where something was wrong.

    `out` is given what belongs on standard output, `err` what belongs on standard error.
    """
    reporter = Reporter()
    try:
        options = parse_arguments(arguments)
    except UsageError as error:
        err(f"error: {error}\n{USAGE}\n")
        return 1
    failure, library = "", None
    with _collector_paused():
        try:
            library = compile_all(options, reporter)
            if library is not None:
                _finish(library, options)
        except UsageError as error:
            failure, library = str(error), None
    _report(reporter, failure, options, out, err)
    return 0 if library is not None else 1


@contextlib.contextmanager
def _collector_paused() -> Generator[None]:
    """Keep the cycle collector from walking trees that live until the end anyway."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _finish(library: Library, options: Options) -> None:
    if options.name is not None and options.name != library.name:
        raise UsageError(f"--name says '{options.name}', and the library is '{library.name}'")
    if options.json_out is None:
        return
    path = Path(options.json_out)
    text = generate(library, options.session)
    try:
        with contextlib.suppress(FileExistsError):  # where it is no folder, writing says so
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
    except OSError as error:
        raise UsageError(f"{options.json_out}: {error.strerror}") from None


def _report(
    reporter: Reporter,
    failure: str,
    options: Options,
    out: Callable[[str], object],
    err: Callable[[str], object],
) -> None:
    if options.json_reports:
        out(json.dumps([found.as_json() for found in reporter.diagnostics], indent=2) + "\n")
    else:
        for found in reporter.diagnostics:
            err(found.render() + "\n")
    if failure:
        err(f"error: {failure}\n")
    elif reporter.diagnostics and not options.json_reports:
        err(f"{reporter.errors} error(s), {reporter.warnings} warning(s)\n")
    if reporter.left_out:
        err(f"{reporter.left_out} more are not shown, only {MAX_KEPT} of each\n")
