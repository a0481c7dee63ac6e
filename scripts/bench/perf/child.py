"""One of a row's two processes: `python -m scripts.bench.perf.child ROLE FILE ROW ADDRESS`.

The server says one line when it is ready. The client reads a line `["measure", count]` and answers
a line `{"ns": [...], "cpu_ns": ...}`; processor time is of its threads in the run. Either says
`{"error": ...}` when it fails, and ends.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from pathlib import Path
from typing import IO, Any

from scripts.bench.perf.catalogue import load
from scripts.bench.perf.row import Measure, Row


def main() -> int:
    """Be the server or the client of one row."""
    role, file, name, address = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    logging.disable(logging.WARNING)
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        row = next(row for row in load(Path(file)) if row.name == name)
        if role == "server":
            row.serve(address, lambda: _say(answers, {"ready": True}))
        else:
            _measure(row, address, answers)
    except Exception as error:  # noqa: BLE001  (told to the runner, who goes on with the others)
        _say(answers, {"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


def _measure(row: Row, address: str, answers: IO[str]) -> None:
    driver = row.connect(address)
    _say(answers, {"ready": True})
    for line in sys.stdin:
        measure, count = json.loads(line)
        begun = time.process_time_ns()
        found = driver.run(Measure(measure), count)
        _say(answers, {"ns": found, "cpu_ns": time.process_time_ns() - begun})
    driver.close()


def _say(answers: IO[str], what: dict[str, Any]) -> None:
    print(json.dumps(what), file=answers, flush=True)


if __name__ == "__main__":
    sys.exit(main())
