from __future__ import annotations

import os
import resource
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest

from ipcrt.errors import AccessDenied, NotFound, Unavailable
from ipcrt.locator.connect import SOCKET_VARIABLE, connect_blocking
from ipcrt.locator.daemon import _parser
from tests.locator.echo import EchoBlockingProxy
from tests.locator.stage import Stage
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

DAEMON = "ipcrt.locator.daemon"


def listening_at(path: Path) -> socket.socket:
    path.parent.mkdir(exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(os.fspath(path))
    listener.listen()
    return listener


def failure(child: Child) -> str:
    """The one line with which a daemon says why it cannot serve."""
    assert child.wait() == 1
    (line,) = child.errors().splitlines()
    return line.removeprefix("ipcrt-locatord: ERROR: ")


# ----------------------------------------------------------------------------------- command line


def test_help(spawn_python: Spawner) -> None:
    text = spawn_python.module(DAEMON, "--help").finish()
    for option in (
        *("--socket", "--mode", "--policy", "--max-clients-per-uid", "--idle-exit", "--fd-store"),
        "--verbose",
    ):
        assert option in text


@pytest.mark.parametrize(
    "options, says",
    [
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["more"], "unrecognized arguments: more"),
        (["--mode", "999"], "'999' is no octal mode such as 660"),
        (["--mode", "1777"], "'1777' is no octal mode"),
        (["--mode", "rw"], "'rw' is no octal mode"),
        (["--mode", "-7"], "'-7' is no octal mode"),
        (["--max-clients", "0"], "'0' is no positive number"),
        (["--max-clients", "1e3"], "'1e3' is no positive number"),
        (["--max-clients-per-uid", "-1"], "'-1' is no positive number"),
        (["--max-clients-per-uid", "\u0663"], "is no positive number"),
        (["--idle-exit", "-1"], "'-1' is no number of seconds"),
        (["--idle-exit", "1e9"], "'1e9' is no number of seconds"),
        (["--idle-exit", "nan"], "'nan' is no number of seconds"),
        (["--fd-store", "-1"], "'-1' is no number"),
        (["--fd-store", ""], "'' is no number"),
    ],
)
def test_bad_options(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        _parser().parse_args(options)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_a_bad_option_of_a_real_process(stage: Stage) -> None:
    child = stage.starting_locator("--mode", "rw")
    assert child.wait() == 2
    usage, *_, error = child.errors().splitlines()
    assert usage.startswith("usage: ipcrt-locatord")
    assert error == ("ipcrt-locatord: error: argument --mode: 'rw' is no octal mode such as 660")
    assert not stage.path.exists()


@pytest.mark.parametrize(
    "text, says",
    [
        ("[[rule]]\nopne = []\n", "Object contains unknown field `opne` - at `$.rule[0]` (line 2)"),
        ("[[rule]\n", "Expected ']]' at the end of an array declaration (at line 1, column 7)"),
    ],
)
def test_a_bad_policy(stage: Stage, text: str, says: str) -> None:
    policy = stage.policy(text)
    child = stage.starting_locator("--policy", policy)
    assert failure(child) == f"policy {policy}: {says}"
    assert not stage.path.exists()


def test_a_policy_that_is_not_there(stage: Stage) -> None:
    daemon = stage.locator("--policy", stage.directory / "none.toml", "-v")
    assert daemon.log_lines("none.toml is not there: only root and our own user may do anything")
    stage.service()


# --------------------------------------------------------------------------------------- the socket


def test_the_mode_of_the_socket(stage: Stage) -> None:
    stage.locator("--mode", "640")
    assert stat.S_IMODE(stage.path.stat().st_mode) == 0o640


def test_the_socket_is_our_own_users_unless_told_otherwise(stage: Stage) -> None:
    stage.locator()
    assert stat.S_IMODE(stage.path.stat().st_mode) == 0o600


def test_the_environment_names_the_socket(stage: Stage, spawn_python: Spawner) -> None:
    spawn_python.module(DAEMON, environment={SOCKET_VARIABLE: os.fspath(stage.path)})
    wait_until(stage.path.exists)


def test_one_locator_at_a_path(stage: Stage) -> None:
    first = stage.locator()
    second = stage.starting_locator()
    assert failure(second) == f"another process starts or serves at {stage.path}"
    with connect_blocking(stage.path) as locator:
        assert locator.names() == []
    assert first.log() == ""


def test_an_activated_socket_is_nobody_elses(stage: Stage) -> None:
    with listening_at(stage.path) as listener:
        assert failure(stage.starting_locator()) == f"another process listens at {stage.path}"
        stage.activated_locator(listener)
        with connect_blocking(stage.path) as locator:
            assert locator.names() == []


def test_something_else_is_in_the_way(stage: Stage) -> None:
    stage.path.parent.mkdir()
    stage.path.write_text("precious")
    child = stage.starting_locator()
    assert failure(child) == f"{stage.path} is not a socket, and is left alone"


def test_an_activated_path_is_not_ours_to_remove(stage: Stage) -> None:
    with listening_at(stage.path) as listener:
        daemon = stage.activated_locator(listener)
        daemon.child.kill(signal.SIGTERM)
        assert daemon.child.wait() == 0
        assert stage.path.is_socket()
        successor = stage.activated_locator(listener)
        with connect_blocking(stage.path) as locator:
            assert locator.names() == []
        assert successor.log() == ""


def test_one_socket_is_all_we_take(stage: Stage) -> None:
    with listening_at(stage.path) as listener:
        child = stage.spawn(
            "import os, sys\n"
            "os.dup2(int(sys.argv[1]), 4)\n"
            "os.dup2(4, 3)\n"
            "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '2'}\n"
            f"os.execv(sys.executable, [sys.executable, '-m', '{DAEMON}'])\n",
            listener.fileno(),
            pass_fds=[listener.fileno()],
            capture_stderr=True,
        )
        assert failure(child) == "2 sockets were passed, expected 1"


# ----------------------------------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop(stage: Stage, number: signal.Signals) -> None:
    daemon = stage.locator()
    service = stage.service()
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        assert echo.echo("hello") == "hello"
        daemon.child.kill(number)
        assert daemon.child.wait() == 0
        assert not stage.path.exists()
        assert stage.notification() == b"STOPPING=1"
        with pytest.raises(Unavailable):
            locator.names()
        assert echo.echo("straight to the service") == "straight to the service"
    assert daemon.log() == ""
    assert service.process.poll() is None


def test_what_is_said_on_the_way(stage: Stage) -> None:
    daemon = stage.locator("--verbose")
    daemon.child.kill(signal.SIGTERM)
    assert daemon.child.wait() == 0
    assert daemon.log().splitlines() == [
        f"ipcrt-locatord: INFO: listening at {stage.path}",
        "ipcrt-locatord: INFO: stopping: {'clients': 0, 'uids': 0, 'names': 0}",
    ]


def test_a_hang_up_reads_the_policy_again(stage: Stage) -> None:
    everything = '[[rule]]\nopen = ["*"]\n'
    policy = stage.policy(everything)
    daemon = stage.locator("--policy", policy, "-v")

    def reload(text: str, times: int) -> type[Exception]:
        stage.policy(text)
        daemon.child.kill(signal.SIGHUP)
        wait_until(lambda: len(daemon.log_lines("policy")) == times)
        with (
            connect_blocking(stage.path) as locator,
            locator.open(EchoBlockingProxy) as echo,
            pytest.raises((AccessDenied, NotFound)) as caught,
        ):
            echo.echo("hello")
        return caught.type

    assert reload("", 1) is AccessDenied
    assert reload(everything, 3) is NotFound  # the second line is the refusal
    assert reload("[[rule", 4) is NotFound
    assert daemon.log_lines("the old policy stays: policy ")
    os.unlink(policy)
    daemon.child.kill(signal.SIGHUP)
    wait_until(lambda: len(daemon.log_lines("the old policy stays")) == 2)


def test_a_hang_up_without_a_policy(stage: Stage) -> None:
    daemon = stage.locator()
    daemon.child.kill(signal.SIGHUP)
    stage.service()
    assert daemon.child.process.poll() is None


# ----------------------------------------------------------------------------------- surroundings


def test_the_descriptor_limit_is_raised(stage: Stage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        daemon = stage.locator()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_the_watchdog_is_fed(stage: Stage) -> None:
    stage.locator(environment={"WATCHDOG_USEC": "20000"})
    assert [stage.notification() for _ in range(3)] == [b"WATCHDOG=1"] * 3


def test_no_watchdog_no_food(stage: Stage) -> None:
    daemon = stage.locator(environment={"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"})
    daemon.child.kill(signal.SIGTERM)
    assert stage.notification() == b"STOPPING=1"


def test_the_journal_is_told_priorities(stage: Stage) -> None:
    daemon = stage.locator("-v", environment={"JOURNAL_STREAM": "8:1"})
    daemon.child.kill(signal.SIGTERM)
    daemon.child.wait()
    assert daemon.log().startswith(f"<6>listening at {stage.path}\n<6>stopping")


def test_without_uvloop(stage: Stage) -> None:
    daemon = stage.locator_from(
        f"import sys\nsys.modules['uvloop'] = None\nfrom {DAEMON} import main\nsys.exit(main())\n"
    )
    stage.service("--loop", "asyncio")
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        assert echo.echo("hello") == "hello"
    daemon.child.kill(signal.SIGTERM)
    assert daemon.child.wait() == 0


def test_it_serves_where_diagnostics_fail(stage: Stage) -> None:
    daemon = stage.locator_from(
        "import sys\n"
        "from ipcrt.errors import NoResources\n"
        f"from {DAEMON} import main\n"
        "def show(port):\n"
        "    raise NoResources('no memory')\n"
        "sys.exit(main(show=show))\n"
    )
    stage.service()
    assert "no diagnostics of the locator itself: no memory" in daemon.log()


def test_the_console_script_is_there() -> None:
    script = Path(sys.executable).with_name("ipcrt-locatord")
    if not script.exists():
        pytest.skip("the package is not installed here")
    assert "ipcrt.cli.locatord" in script.read_text()
