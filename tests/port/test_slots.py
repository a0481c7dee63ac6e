from __future__ import annotations

from ipcrt.objects.channel import Channel
from ipcrt.port.slots import set_held_back, set_watch, watch_of


class Recorder:
    def __init__(self) -> None:
        self.told: list[str] = []

    def closing(self) -> None:
        self.told.append("closing")

    def drained(self) -> None:
        self.told.append("drained")


def test_a_handle_tells_its_watch_of_reads_it_is_held_back_for_and_of_its_end() -> None:
    near, far = Channel.create()
    with near, far:
        assert watch_of(near) is None
        watch = Recorder()
        set_watch(near, watch)
        assert watch_of(near) is watch
        for held_back in (False, True, False):
            set_held_back(near, held_back)
            far.write(b"news")
            near.read()
        near.close()
        assert watch.told == ["drained", "closing"]
        assert watch_of(near) is None
