"""What the services need of Python and the kernel works under the hardening that they ship with."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.systemd.box import Box

pytestmark = pytest.mark.systemd

SERVICES = ["ipcrt-locatord.service", "ipcrt-service@kvstore.service"]
RESULTS = "/run/ipcrt-test/results"

CALLS = ["ctypes call", "ctypes callback", "memfd", "descriptors", "pidfd", "child", "thread"]
OPTIONAL = ["uvloop", "trio"]
LIBRARIES = [*OPTIONAL, "asyncio", "msgspec", "msgpack", "sqlite3"]

# Each probe gives a value or the name of its error.
PROBES = """
import asyncio, ctypes, fcntl, json, mmap, os, socket, struct, subprocess, threading

libc = ctypes.CDLL(None, use_errno=True)

def number(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return "works"

def memory(protection):
    fd = os.memfd_create("probe", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.ftruncate(fd, 4096)
    with mmap.mmap(fd, 4096, prot=protection) as mapped:
        mapped[0] = 1
    fcntl.fcntl(fd, 1033, 2 | 4)  # F_ADD_SEALS: F_SEAL_SHRINK, F_SEAL_GROW
    os.close(fd)
    return "works"

def descriptors():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    socket.send_fds(ours, [b"x"], [0])
    _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
    pidfd = theirs.getsockopt(socket.SOL_SOCKET, 77, 4)  # SO_PEERPIDFD
    for fd in [*fds, *struct.unpack("i", pidfd)]:
        os.close(fd)
    return "works"

def loop(name):
    module = __import__(name)
    async def nothing():
        await module.sleep(0)
    if name == "uvloop":
        module.sleep = asyncio.sleep
    module.run(nothing) if name == "trio" else module.run(nothing())
    return "works"

def thread():
    started = threading.Thread(target=int)
    started.start()
    started.join()
    return "works"

def beneath(path):
    directory = os.open("/etc", os.O_PATH | os.O_DIRECTORY)
    how = struct.pack("QQQ", os.O_RDONLY | os.O_CLOEXEC, 0, 8)  # RESOLVE_BENEATH
    return number(libc.syscall(437, directory, path, how, len(how)))

def write(path):
    with open(path, "w"):
        return "works"

def state():
    return write(os.environ["STATE_DIRECTORY"] + "/probe")

def imported(name):
    __import__(name)
    return "works"

probes = {
    "ctypes call": lambda: number(libc.eventfd(0, 0)),
    "ctypes callback": lambda: number(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)()),
    "memfd": lambda: memory(mmap.PROT_READ | mmap.PROT_WRITE),
    "executable memfd": lambda: memory(mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "descriptors": descriptors,
    "pidfd": lambda: number(os.pidfd_open(os.getpid())),
    "child": lambda: number(-subprocess.run(["true"]).returncode),
    "thread": thread,
    "asyncio": lambda: loop("asyncio"),
    "uvloop": lambda: loop("uvloop"),
    "trio": lambda: loop("trio"),
    "msgspec": lambda: imported("msgspec"),
    "msgpack": lambda: imported("msgpack"),
    "sqlite3": lambda: imported("sqlite3"),
    "openat2": lambda: beneath(b"passwd"),
    "inet socket": lambda: socket.socket(socket.AF_INET) and "works",
    "write /etc": lambda: write("/etc/probe"),
    "write /run": lambda: write("/run/probe"),
    "state": state,
    "capabilities": lambda: open("/proc/self/status").read().split("CapEff:")[1].split()[0],
    "uid": lambda: str(os.getuid()),
}

def outcome(probe):
    try:
        return probe()
    except (OSError, KeyError, ImportError) as error:
        return type(error).__name__ + " " + str(getattr(error, "errno", ""))

print(json.dumps({name: outcome(probe) for name, probe in probes.items()}))
"""


@pytest.fixture(scope="module", params=SERVICES)
def found(request: pytest.FixtureRequest, box: Box) -> Iterator[dict[str, str]]:
    """What the probes found, run once under each service's unit."""
    unit: str = request.param
    drop_ins = f"/run/systemd/system/{unit}.d"
    box.write("/run/ipcrt-test/probes.py", PROBES)
    box.write(
        f"{drop_ins}/probes.conf",
        "[Service]\nType=oneshot\nRestart=no\nExecStart=\n"
        "ExecStart=/opt/ipcrt/bin/python /run/ipcrt-test/probes.py\n"
        f"StandardOutput=truncate:{RESULTS}\nStandardError=journal\n",
    )
    box.run("systemctl", "daemon-reload")
    try:
        box.run("systemctl", "start", unit)
        yield {"unit": unit, **json.loads(box.run("cat", RESULTS))}
    finally:
        box.run("systemctl", "stop", unit, "ipcrt-locatord.socket")
        box.run("rm", "-r", drop_ins, "/run/ipcrt-test")
        box.run("systemctl", "daemon-reload")


@pytest.mark.parametrize("name", LIBRARIES + CALLS)
def test_what_the_services_need_works(found: dict[str, str], name: str) -> None:
    if name in OPTIONAL:
        pytest.importorskip(name)
    assert found[name] == "works"


@pytest.mark.parametrize("name", ["executable memfd", "inet socket", "write /etc", "write /run"])
def test_what_they_do_not_need_is_refused(found: dict[str, str], name: str) -> None:
    assert "Error " in found[name]


def test_they_are_nobody_in_particular(found: dict[str, str]) -> None:
    assert int(found["capabilities"], 16) == 0
    assert 61184 <= int(found["uid"]) <= 65519  # where systemd takes its dynamic users from


def test_only_the_services_have_a_place_for_state(found: dict[str, str]) -> None:
    is_service = found["unit"].startswith("ipcrt-service@")
    assert found["state"] == ("works" if is_service else "KeyError ")


def test_openat2_is_out_of_reach_for_dynamic_users(found: dict[str, str]) -> None:
    """Its arguments could set SUID bits unseen by a filter, so systemd lets it answer ENOSYS."""
    assert found["openat2"] == "OSError 38"
