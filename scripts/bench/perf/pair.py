"""A row's two processes, from the runner's side."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

from scripts.bench.perf import beside
from scripts.bench.perf.catalogue import ROOT, Entry
from scripts.bench.perf.placement import cpu_ns, pin
from scripts.bench.perf.row import Measure, Row

MAX_REASON: Final = 300


class RowFailed(Exception):
    """A row cannot go on; the others can."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a measure answered."""

    ns: list[int]
    client_cpu_ns: int
    server_cpu_ns: int


class Pair:
    """A server and a client that were started; owns the processes and their directory."""

    def __init__(self, entry: Entry) -> None:
        """Start both. They are ready only after `wait_ready`."""
        self.row: Row = entry.row
        self._entry = entry
        self._directory = tempfile.mkdtemp(prefix="bench-")
        self._errors = Path(self._directory, "errors").open("w+b")  # noqa: SIM115  (closed below)
        self._address = os.path.join(self._directory, "row")
        os.mkdir(self._address)
        self._pending = b""
        self._client: subprocess.Popen[bytes] | None = None
        try:
            self._server = self._start("server", subprocess.DEVNULL)
        except BaseException:
            self._forget()
            raise

    def _start(self, role: str, stdin: int) -> subprocess.Popen[bytes]:
        module = "scripts.bench.perf.child"
        file, name = str(self._entry.file), self.row.name
        return beside.start(
            [sys.executable, "-m", module, role, file, name, self._address],
            {"PYTHONPATH": str(ROOT), **self.row.environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def wait_server(self, until: float) -> None:
        """Wait until clients can connect, then start the client. Raises: RowFailed."""
        self._answer(self._server, until)
        self._client = self._start("client", subprocess.PIPE)

    def wait_client(self, until: float) -> None:
        """Wait until the client has connected. Raises: RowFailed."""
        assert self._client is not None
        self._answer(self._client, until)

    def pin(self, server: set[int], client: set[int]) -> None:
        """Have the processes run on these cores."""
        assert self._client is not None
        pin(self._server.pid, server)
        pin(self._client.pid, client)

    def run(self, measure: Measure, count: int, timeout_s: float) -> Run:
        """Have the client do so many operations. Raises: RowFailed."""
        client = self._client
        assert client is not None
        assert client.stdin is not None
        before = cpu_ns(self._server.pid)
        try:
            client.stdin.write(json.dumps([measure.value, count]).encode() + b"\n")
            client.stdin.flush()
        except BrokenPipeError:
            raise RowFailed(f"the client has ended: {self._complaint()}") from None
        answer = self._answer(client, time.monotonic() + timeout_s)
        return Run(answer["ns"], answer["cpu_ns"], cpu_ns(self._server.pid) - before)

    def _answer(self, process: subprocess.Popen[bytes], until: float) -> dict[str, Any]:
        """Read a line of a process. Raises: RowFailed: an error, its end, or too late."""
        assert process.stdout is not None
        role = "server" if process is self._server else "client"
        while b"\n" not in self._pending:
            self._read(process.stdout, role, until)
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RowFailed(f"{role}: {answer['error']}")
        return answer

    def _read(self, stdout: IO[bytes], role: str, until: float) -> None:
        left = max(0.0, until - time.monotonic())
        if not select.select([stdout], [], [], left)[0]:
            raise RowFailed(f"the {role} did not answer in time")
        data = os.read(stdout.fileno(), 1 << 20)
        if not data:
            raise RowFailed(f"the {role} has ended: {self._complaint()}")
        self._pending += data

    def _complaint(self) -> str:
        """Answer the last that the processes wrote to their standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:MAX_REASON] if lines else "it said nothing"

    def close(self) -> None:
        """Kill the processes, wait for them, and remove what they left. Idempotent."""
        for process in (self._client, self._server):
            if process is not None:
                process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        with contextlib.suppress(BrokenPipeError):
                            stream.close()
        self._forget()

    def _forget(self) -> None:
        self._errors.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
