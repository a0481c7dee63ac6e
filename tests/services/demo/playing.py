"""A player for test_director.py: `python -m tests.services.demo.playing FD`."""

from __future__ import annotations

import os
import sys

from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.demo.bindings import Director, DirectorBlockingProxy, Timing


def main() -> None:
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    end = ClientEnd[Director](Channel(fd))
    with BlockingPort() as port, DirectorBlockingProxy(end, port) as director:
        plan = director.get_plan()
        director.progress("step", 1, 2)
        director.report("step", plan.locator, True, 5, [Timing("call", [1.5])])
        director.arrive("end", timeout=None)
        director.report("last", "too bad", False, 6, [])


if __name__ == "__main__":
    main()
