from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.bench.perf import beside

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = """
import os, signal, sys
from scripts.bench.perf import beside

def end(number, frame):
    sys.exit(77)

signal.signal(signal.SIGTERM, end)
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
beside.start(["sleep", "60"])
"""
MASK = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"


def test_a_signal_that_comes_while_python_forks_is_not_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], check=False, timeout=20, cwd=ROOT, capture_output=True
    )
    assert done.returncode == 77, done.stderr


def test_what_is_started_may_be_signalled() -> None:
    with beside.start([sys.executable, "-c", MASK], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"set()\n"


def test_what_is_started_has_the_environment_that_was_asked_for() -> None:
    show = "import os; print(os.environ['A'], 'PATH' in os.environ)"
    with beside.start([sys.executable, "-c", show], {"A": "b"}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"b True\n"
