"""Commands run as real processes that may not take much time or memory, whatever they are given."""

from __future__ import annotations

import dataclasses
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEMORY_BYTES = 1 << 30
"""Address space that a command may have."""

AS_NOBODY = (
    "-c",
    """\
import os, sys
from ipcrt.cli.main import main
main(sys.argv[1:])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(main(sys.argv[1:]))
""",
)
"""How root becomes somebody who may do little: after a first run, which loads what may be closed
to others."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """What a command did."""

    status: int
    output: str
    errors: str


def run(
    *arguments: object,
    seconds: float = 50.0,
    memory_bytes: int = MEMORY_BYTES,
    output: int = subprocess.PIPE,
    start: tuple[str, ...] = ("-m", "ipcrt.cli.main"),
) -> Ended:
    """Run `ipcrt`; it must end in time, as 0 or 1, without a traceback.

    Raises: AssertionError: it did not. TimeoutExpired: it hangs.
    """

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

    ended = subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=seconds,
        preexec_fn=limit,
    )
    errors = ended.stderr.decode()
    assert ended.returncode in (0, 1), (ended.returncode, errors[-2000:])
    assert "Traceback" not in errors, errors[-2000:]
    assert "unexpected" not in errors.split("\n", 1)[0], errors[:500]
    return Ended(ended.returncode, (ended.stdout or b"").decode(), errors)
