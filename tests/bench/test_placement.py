from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from scripts.bench.perf.placement import Placement, cores, cpu_ns, pin, tree
from scripts.bench.perf.placement import threads as threads_of

FAMILY = """
import subprocess, sys, threading, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("ready", flush=True)
try:
    sys.stdin.read()
finally:
    child.kill()
    child.wait()
"""


def test_two_cores_are_apart_or_the_same() -> None:
    assert cores(Placement.SAME, [2, 5]) == ({5}, {5})
    assert cores(Placement.SPLIT, [2, 5]) == ({5}, {2})
    assert cores(Placement.FREE, [2, 5]) == ({2, 5}, {2, 5})
    assert cores(Placement.SPLIT, [2]) is None


def test_threads_and_children_are_pinned_with_their_process() -> None:
    core = min(os.sched_getaffinity(0))
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        pin(process.pid, {core})
        family = list(tree(process.pid))
        assert len(family) == 2
        assert len(threads_of(process.pid)) == 2
        for each in family:
            for thread in threads_of(each):
                assert os.sched_getaffinity(thread) == {core}
        process.communicate()


def burn() -> None:
    while time.thread_time() < 0.02:
        pass


def test_processor_time_is_that_of_the_whole_process() -> None:
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()
    before = time.process_time_ns()
    found = cpu_ns(os.getpid())
    assert before <= found
    assert cpu_ns(os.getpid()) > found


def test_a_process_that_has_ended_costs_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert cpu_ns(process.pid) == 0
    pin(process.pid, {min(os.sched_getaffinity(0))})


@pytest.mark.parametrize("placement", list(Placement))
def test_every_placement_keeps_to_the_cores_that_are_allowed(placement: Placement) -> None:
    allowed = [1, 3, 7]
    found = cores(placement, allowed)
    assert found is not None
    assert found[0] | found[1] <= set(allowed)
