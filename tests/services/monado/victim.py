"""A client that is killed in the middle: `python -m tests.services.monado.victim FD STAGE`.

FD is the client end of its channel. After a line on stdin it shows a green wall, goes on to STAGE
of its next frame, says "there", and stays.
"""

from __future__ import annotations

import os
import sys

from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.monado.bindings import LayerFlags, MonadoBlockingProxy, Pose, SessionKind, Vec3
from ipcrt_services.monado.client import Chain, Client, Frame, quad
from ipcrt_services.monado.geometry import UPRIGHT


def stay() -> None:
    """Say that one is there, and wait for the end."""
    print("there", flush=True)
    sys.stdin.read()


def draw(chain: Chain, frame: Frame, stage: str) -> None:
    ahead = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0))
    with chain.drawing() as image:
        image.pixels[...] = (0, 255, 0, 255)
        if stage == "drawing":
            stay()
    layer = quad(chain, image.index, ahead, (1.0, 1.0), LayerFlags.VIEW_SPACE)
    frame.show([layer], Event.create() if stage == "waiting" else None)


def main() -> None:
    fd, stage = int(sys.argv[1]), sys.argv[2]
    os.set_inheritable(fd, False)
    with (
        BlockingPort() as port,
        MonadoBlockingProxy(ClientEnd(Channel(fd)), port) as monado,
        Client(monado, "victim", SessionKind.OVERLAY) as client,
        client.create_swapchain(640, 480) as chain,
    ):
        sys.stdin.readline()
        client.begin()
        for each in ("", stage):
            with client.frame() as frame:
                draw(chain, frame, each)
        stay()


if __name__ == "__main__":
    main()
