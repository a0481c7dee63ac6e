"""The resource servers as processes: `python -m ipcrt_services.resources KIND --directory DIR`.

KIND is `files`, `net`, `process` or `kv`. `--allow PATTERN`, as often as needed, says what `net`
may connect to and listen at, and what `process` may start; `--read-only` is for `files`. The other
options are those of every service.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ipcrt.errors import InvalidArgs
from ipcrt_services.main import main as run_service
from ipcrt_services.resources.patterns import HostPatterns, ProgramPatterns
from ipcrt_services.resources.server import KINDS

_PATTERNS = {"net": HostPatterns, "process": ProgramPatterns}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the servers; answer the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", add_help=False)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--allow", metavar="PATTERN", action="append")
    parser.add_argument("--read-only", action="store_true")
    options, others = parser.parse_known_args(argv)
    kind: str = options.kind
    if options.allow is not None and kind not in _PATTERNS:
        parser.error(f"{kind} has no --allow")
    if options.read_only and kind != "files":
        parser.error(f"{kind} has no --read-only")
    chosen: dict[str, object] = {}
    if options.allow is not None:
        try:
            _PATTERNS[kind](options.allow)
        except InvalidArgs as error:
            parser.error(str(error))
        chosen["allow"] = options.allow
    if options.read_only:
        chosen["read_only"] = True
    if kind == "net":  # which keeps nothing
        others = ["--directory", "/", *others]
    return run_service(KINDS[kind].service(kind, **chosen), others)


if __name__ == "__main__":
    sys.exit(main())
