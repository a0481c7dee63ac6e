"""Child processes that need not import everything anew: forked from one that has.

A service takes a third of a second to start, nearly all of it imports, and the tests start some
two thousand. What is forked here is otherwise as `python -u -m MODULE` would have it:

1. It is a child of this process, not of the forker: clone(2) with CLONE_PARENT.
2. Its session is its own. It has the standard streams and descriptors that it is given, under the
   same numbers, and nothing else open; and this process's environment, directory and limits.
3. The module runs anew, as `__main__`. Only what it imports was there before.

What would change the interpreter itself is not forked: see `can_start`.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import resource
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

import ipcrt.cli
from tests.support.proc import FORKER

_PACKAGES: Final = tuple(
    f"ipcrt_services.{name}" for name in ("canvas", "codec", "files", "kvstore", "patterns")
)
MODULES: Final = (
    "ipcrt.locator.daemon",
    "tests.locator.echo",
    "tests.services.child",
    "tests.services.kvstore.writer",
    *_PACKAGES,
)
"""What can be started so."""

COMMAND: Final = "ipcrt.cli.main"
"""What can be run so."""

_LOOPS: Final = ("asyncio", "trio", "uvloop", "anyio._backends._asyncio", "anyio._backends._trio")
_LIMITS: Final = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS)
_MAX_REQUEST: Final = 1 << 17
_MAX_FDS: Final = 253
_CLONE_PARENT: Final = 0x8000
_SYS_CLONE: Final = {"x86_64": 56, "aarch64": 220}
_PATIENCE_S: Final = 30.0


def is_possible() -> bool:
    """False on an unknown machine, and under a sanitizer, which watches exec and exit."""
    return os.uname().machine in _SYS_CLONE and "LD_PRELOAD" not in os.environ


def _decisive(environment: Mapping[str, str]) -> dict[str, str]:
    """What is read as the interpreter starts, or as our modules are imported."""
    prefixes = ("PYTHON", "LD_", "MALLOC", "IPCRT_PURE", "UV_")
    return {name: value for name, value in environment.items() if name.startswith(prefixes)}


class Forked(subprocess.Popen[bytes]):
    """A process that runs, as `subprocess` knows it."""

    def __init__(self, argv: Sequence[str], pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.args = list(argv)
        self.pid = pid
        self.stdin, self.stdout, self.stderr = stdin, stdout, None
        self.returncode: Any = None
        self._child_created = True
        self._waitpid_lock = threading.Lock()
        self._communication_started = False
        self._input = None
        self._sigint_wait_secs = 0.25
        self.text_mode = False


class Forker:
    """The process that forks, seen from who asks it to."""

    def __init__(self, root: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._socket.settimeout(_PATIENCE_S)
        environment = {**os.environ, "PYTHONPATH": root}
        self._decisive = _decisive(environment)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "tests.support.forker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket.recv(1)  # it has its name

    def can_start(self, argv: Sequence[str], environment: Mapping[str, str]) -> bool:
        """True for one of our modules, in an environment that asks for no other interpreter."""
        words = [word for word in argv[1:] if word != "-u"]
        return (
            argv[0] == sys.executable
            and words[0] == "-m"
            and words[1] in MODULES
            and self.suits(environment)
        )

    def suits(self, environment: Mapping[str, str]) -> bool:
        """True where nothing changes how the interpreter starts, or what our modules choose."""
        return _decisive(environment) == self._decisive

    def start(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        pass_fds: Sequence[int],
        errors: IO[bytes] | None,
    ) -> Forked:
        """Fork a process that runs the module; its standard input and output are pipes."""
        at = argv.index("-m")
        request = {
            "argv": argv[at + 1 :],
            "warnings": "-W" in argv[:at],
            "environment": dict(environment),
            "directory": os.getcwd(),
            "fds": [0, 1, 2, *pass_fds],
            "limits": [(limit, resource.getrlimit(limit)) for limit in _LIMITS],
        }
        their_in, our_out = os.pipe()
        our_in, their_out = os.pipe()
        stdin, stdout = open(our_out, "wb"), open(our_in, "rb")  # noqa: SIM115
        try:
            given = [their_in, their_out, 2 if errors is None else errors.fileno(), *pass_fds]
            socket.send_fds(self._socket, [json.dumps(request).encode()], given)
            pid = int(self._socket.recv(32))
        except BaseException:
            stdin.close()
            stdout.close()
            raise
        finally:
            os.close(their_in)
            os.close(their_out)
        return Forked(argv, pid, stdin, stdout)

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], script: bytes, seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `ipcrt` to its end, with warnings as errors. Raises: TimeoutExpired."""
        argv = [sys.executable, "-W", "error", "-m", COMMAND, *words]
        with tempfile.TemporaryFile() as errors:
            with self.start(argv, environment, (), errors) as process:
                try:
                    output, _ = process.communicate(script, seconds)
                except BaseException:
                    process.kill()
                    raise
            errors.seek(0)
            return subprocess.CompletedProcess(argv, process.returncode, output, errors.read())

    def close(self) -> None:
        """End the forker. Those that it forked go on."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


# ------------------------------------------------------------------------------- the forker itself


def _fork_beside() -> int:
    """As os.fork(), but the child's parent is ours."""
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    pid = int(
        api.syscall(
            ctypes.c_long(_SYS_CLONE[os.uname().machine]),
            *map(ctypes.c_long, (_CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)),
        )
    )
    if pid == 0:
        api.PyOS_AfterFork_Child()
    else:
        api.PyOS_AfterFork_Parent()
    return pid


def _call_it(name: str) -> None:
    """Set this process's name. Source: prctl(2), PR_SET_NAME."""
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)


def _become(request: dict[str, Any], fds: list[int]) -> None:
    """Have nothing but what was given, under the numbers that were asked for."""
    wanted: list[int] = request["fds"]
    high = max(*wanted, *fds) + 1
    kept = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, high) for fd in fds]
    for fd, number in zip(kept, wanted, strict=True):
        os.dup2(fd, number)
    last = -1
    for number in [*sorted(wanted), os.sysconf("SC_OPEN_MAX")]:
        if last + 1 < number:  # an empty range is everything to it
            os.closerange(last + 1, number)
        last = number
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for limit, values in request["limits"]:
        resource.setrlimit(limit, tuple(values))
    if request["warnings"]:
        sys.warnoptions.append("error")
        warnings.simplefilter("error")
    sys.path[0] = request["directory"]
    sys.argv[:] = request["argv"]
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = _unbuffered(1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _unbuffered(2)  # type: ignore[misc]


def _unbuffered(fd: int) -> io.TextIOWrapper:
    raw = open(fd, "wb", buffering=0, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, write_through=True, errors="backslashreplace" if fd == 2 else None)


def serve(sock: socket.socket) -> str:
    """Fork whenever asked, until nobody can ask; answer, in a child, what it is to run."""
    while True:
        data, fds, _, _ = socket.recv_fds(sock, _MAX_REQUEST, _MAX_FDS)
        if not data:
            os._exit(0)
        if _fork_beside() == 0:
            os.setsid()  # before anybody knows of it: it is ended by its session
            _call_it(os.path.basename(sys.executable))
            sock.send(b"%d" % os.getpid())
            sock.close()
            request = json.loads(data)
            _become(request, fds)
            return str(request["argv"][0])
        for fd in fds:
            os.close(fd)


def main() -> None:
    """Import what those modules do, and serve."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    _call_it(FORKER)
    sock.send(b"!")
    verbs = [f"ipcrt.cli.{each.name}" for each in pkgutil.iter_modules(ipcrt.cli.__path__)]
    mains = [f"{name}.__main__" for name in _PACKAGES]
    for name in (*_LOOPS, *MODULES, *mains, *verbs):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    module = serve(sock)
    del sys.modules[f"{module}.__main__" if module in _PACKAGES else module]
    runpy._run_module_as_main(module)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
