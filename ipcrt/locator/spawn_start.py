"""Starting a child: what it is given, and the one call that forks.

1. The child is given the standard three descriptors, the bootstrap channel where there is
   something to pass, and no other: what is not close-on-exec is closed before it runs.
2. Namespaces and handles are moved, whether or not it works. What cannot be passed is found out
   before anything is started; a child that cannot be told anything is killed and waited for.
3. Python may not run in a process with threads between fork(2) and execve(2), so nothing here
   does: what the child has to do itself, it does as `spawn_with_parent`.
4. From its start on the child is known by its pidfd; nobody but its owner waits for it.
Source: launchpad and zircon/processargs.h; vfork(2), pidfd_open(2).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias, TypedDict

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.errors import AlreadyExists, InvalidArgs, NotFound, NotSupported, from_oserror
from ipcrt.locator import spawn_with_parent
from ipcrt.locator.namespace import SVC, Namespace, Source, close_entries
from ipcrt.locator.namespace_grant import Grant
from ipcrt.locator.protocol import Locator
from ipcrt.locator.startup import OWN, VARIABLE
from ipcrt.locator.startup_table import Address, encode_address, encode_table, make_table
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.process import Process

Passed: TypeAlias = Namespace | Grant
"""What a child may have as a namespace: ends that are moved to it, or names that are served."""

Stdio: TypeAlias = int | Handle | None
"""One of the standard three: a descriptor, lent; None: ours; `subprocess.DEVNULL`."""


class SpawnOptions(TypedDict, total=False):
    """How to start a child; everything may be left out."""

    namespace: Passed | None
    """Its own, for `incoming_namespace`; None: that of the default locator."""

    namespaces: Mapping[str, Passed]
    """Others, for `namespace(name)`, such as "container"."""

    handles: Mapping[str, Handle]
    """Moved to it, for `startup_handle(name)`."""

    env: Mapping[str, str] | None
    """Its whole environment; None: ours."""

    cwd: str | os.PathLike[str] | None
    """Where it starts; None: where we are."""

    stdin: Stdio
    stdout: Stdio
    stderr: Stdio

    new_session: bool
    """True: it has a session of its own, which Ctrl-C does not reach."""

    die_with_parent: int | None
    """Signal that the kernel sends it when the thread that calls this ends; None: none.

    It then starts by way of a small interpreter, and a command that cannot be executed is told on
    its stderr and by its status, 126 or 127. Set-uid commands are exempt. Source: prctl(2).
    """


class Baggage:
    """What a child is to be given, owned here until it has left."""

    def __init__(self, options: SpawnOptions) -> None:
        """Move what `options` passes here, all of it, also where this raises.

        Raises: AlreadyExists: "own" has two meanings. BadHandle. NoResources. TypeError: there is
        no such option.
        """
        self.namespaces: dict[str, dict[str, Source]] = {}
        self.handles: dict[str, Handle] = {}
        self.served: list[tuple[Grant, ServerEnd[Locator]]] = []
        """What the parent has to serve for the child."""
        passed = [*options.get("namespaces", {}).items()]
        own = options.get("namespace")
        if own is not None:
            passed.append((OWN, own))
        handles = options.get("handles", {})
        try:
            _check_options(options)
            for name, handle in handles.items():
                self.handles[name] = Handle(handle.take(), handle.rights)
            for name, each in passed:
                self._pack(name, each)
        except BaseException:
            self.close()
            close_all(handles.values())
            for _, each in passed:
                if isinstance(each, Namespace):
                    each.close()
            raise

    def _pack(self, name: str, passed: Passed) -> None:
        if name in self.namespaces:
            raise AlreadyExists(f"two namespaces are called {name!r}")
        if isinstance(passed, Namespace):
            self.namespaces[name] = passed.take_entries()
            return
        client, server = create_endpoints(Locator)
        self.namespaces[name] = {SVC: client}
        self.served.append((passed, server))

    def close(self) -> None:
        """Close what has not left; idempotent."""
        for entries in self.namespaces.values():
            close_entries(entries)
        close_all(self.handles.values())
        for _, end in self.served:
            end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_options(options: SpawnOptions) -> None:
    unknown = options.keys() - SpawnOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"spawn has no option {min(unknown)!r}")


def start(
    argv: Sequence[str | os.PathLike[str]], options: SpawnOptions, baggage: Baggage
) -> Process:
    """Start a child with all of `baggage` that is moved; what is served stays. The caller owns it.

    Raises: NotFound: no such command, or directory. AccessDenied. NoResources. InvalidArgs.
    OutOfRange: more than 64 handles. LocalProtocolError: a name too long, or too many.
    """
    if isinstance(argv, str | bytes):
        raise InvalidArgs(f"{argv!r:.80} is one text; a command is a list of words")
    command = [os.fspath(part) for part in argv]
    if not command:
        raise InvalidArgs("a command of no words cannot be started")
    given = options.get("env")
    env = dict(os.environ if given is None else given)
    env.pop(VARIABLE, None)
    number = options.get("die_with_parent")
    if number is not None:
        command = _with_parent(command, int(number), env)
    if not baggage.namespaces and not baggage.handles:
        return _launch(command, options, env, ())
    data, handles = encode_table(make_table(baggage.namespaces, baggage.handles))
    near, far = Channel.create()
    with near, far:  # while `far` is open here, what is written waits for the child
        env[VARIABLE] = f"{far.fileno()}:{far.koid}"
        process = _launch(command, options, env, [far.fileno()])
        try:
            near.write(encode_address(Address.of(process)))
            near.write(data, handles)
        except BaseException:
            end(process)
            raise
    return process


def end(process: Process) -> int:
    """Kill a child of ours, wait for it, and close its handle; answer how it ended.

    Blocks for as long as the kernel takes to end it. Raises: BadState: somebody else waited for it.
    """
    with process:
        with contextlib.suppress(NotFound):
            process.kill()
        return process.wait_status(reap=True, block=True)


def _with_parent(command: list[str], number: int, env: Mapping[str, str]) -> list[str]:
    if not 0 < number < signal.NSIG:
        raise InvalidArgs(f"die_with_parent={number} is no signal's number")
    if not sys.executable:
        raise NotSupported("die_with_parent needs an interpreter, and sys.executable names none")
    if shutil.which(command[0], path=env.get("PATH")) is None and "/" not in command[0]:
        raise NotFound(f"start {command[0]}: no such command")
    stone = [sys.executable, "-I", "-S", spawn_with_parent.__file__]
    return [*stone, str(os.getpid()), str(number), *command]


def _launch(
    command: list[str], options: SpawnOptions, env: Mapping[str, str], pass_fds: Sequence[int]
) -> Process:
    """Fork and execute (rules 1 and 3); the caller owns the child."""
    try:
        popen = subprocess.Popen(
            command,
            env=env,
            cwd=options.get("cwd"),
            stdin=_stdio(options.get("stdin")),
            stdout=_stdio(options.get("stdout")),
            stderr=_stdio(options.get("stderr")),
            close_fds=True,
            pass_fds=pass_fds,
            start_new_session=options.get("new_session", False),
        )
    except OSError as error:
        raise from_oserror(error, f"start {command[0]}") from error
    except ValueError as error:
        raise InvalidArgs(f"start {command[0]!r}: {error}") from error
    try:
        process = Process.open(popen.pid)
    except BaseException:
        popen.kill()
        popen.wait()
        raise
    popen.returncode = 0  # rule 4: it would wait for the child when it is collected, or warn
    return process


def _stdio(stream: Stdio) -> int | None:
    if stream == subprocess.PIPE:
        raise InvalidArgs("make a pipe, or a Socket's two ends, and lend one of them")
    return stream.fileno() if isinstance(stream, Handle) else stream
