"""Messages that wait for room: their order, their handles, their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ipcrt.bindings.outbox import Outbox
from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    Canceled,
    IpcError,
    OutOfRange,
    PeerClosed,
    ShouldWait,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved
from ipcrt.objects.rights import Rights
from tests.bindings.hand import fill, null
from tests.support.proc import open_fds


class Scene:
    """An outbox, its peer, and how often it asked for room."""

    def __init__(self) -> None:
        self.channel, self.peer = Channel.create()
        self.asked = 0
        self.failed: list[IpcError] = []
        self.outbox = Outbox(self.channel, self.ask, self.failed.append)
        self.told: list[tuple[str, IpcError | None]] = []

    def ask(self) -> None:
        self.asked += 1

    def post(self, data: bytes, handle: Handle | None = None) -> bool:
        """Post; True where it waits."""
        outgoing = self.outbox.post(data, None if handle is None else Moved([handle]))
        if outgoing is None:
            return False
        outgoing.done = lambda error: self.told.append((data.decode(), error))
        return True

    def take(self, count: int | None = None) -> list[str]:
        """Read messages of the peer's queue, but those that filled it."""
        taken: list[str] = []
        while count is None or count > 0:
            try:
                message = self.peer.read()
            except (ShouldWait, PeerClosed):
                break
            message.close()
            if len(message.data) < 16:
                taken.append(message.data.decode())
            count = None if count is None else count - 1
        return taken

    def close(self) -> None:
        self.channel.close()
        self.peer.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.outbox.drop(Canceled("the test is over"))
    scene.close()


@pytest.fixture
def full(scene: Scene) -> Scene:
    assert fill(scene.channel) > 1
    return scene


def test_what_fits_is_sent_at_once(scene: Scene) -> None:
    assert not scene.post(b"a")
    assert not scene.post(b"b", null())
    assert (len(scene.outbox), scene.outbox.clogged, scene.asked) == (0, False, 0)
    assert scene.take() == ["a", "b"]


def test_what_waits_leaves_in_order_once_there_is_room(full: Scene) -> None:
    before = len(open_fds())
    assert all(full.post(name, handle) for name, handle in ((b"a", None), (b"b", null())))
    assert (len(full.outbox), full.outbox.clogged, full.asked) == (2, True, 1)
    assert len(open_fds()) == before + 1
    full.take()
    assert full.post(b"c"), "it must not overtake"
    full.outbox.flush()
    assert full.take() == ["a", "b", "c"]
    assert full.told == [("a", None), ("b", None), ("c", None)]
    assert (len(full.outbox), full.outbox.clogged) == (0, False)
    assert len(open_fds()) == before


def test_a_flush_without_room_asks_again_and_tells_nobody(full: Scene) -> None:
    full.post(b"a")
    full.outbox.flush()
    assert (full.asked, full.outbox.clogged, full.told) == (2, True, [])


def test_withdrawn_messages_do_not_leave(full: Scene) -> None:
    before = len(open_fds())
    first = full.outbox.post(b"a", Moved([null()]))
    assert first is not None
    full.post(b"b")
    assert full.outbox.withdraw(first)
    assert full.outbox.withdraw(first), "it has never left"
    assert len(open_fds()) == before
    full.take()
    full.outbox.flush()
    assert full.take() == ["b"]


def test_a_message_that_has_left_cannot_be_withdrawn(full: Scene) -> None:
    outgoing = full.outbox.post(b"a")
    assert outgoing is not None
    full.take()
    full.outbox.flush()
    assert not full.outbox.withdraw(outgoing)
    assert full.take() == ["a"]


def test_whoever_is_told_may_withdraw_the_next(full: Scene) -> None:
    first, second = full.outbox.post(b"a"), full.outbox.post(b"b")
    assert first is not None
    assert second is not None
    first.done = lambda error: full.told.append((str(full.outbox.withdraw(second)), error))
    full.take()
    full.outbox.flush()
    assert full.told == [("True", None)]
    assert full.take() == ["a"]


def test_what_is_posted_by_whoever_is_told_lines_up_behind(full: Scene) -> None:
    first = full.outbox.post(b"a")
    assert first is not None
    first.done = lambda error: full.told.append((str(full.post(b"c")), error))
    full.post(b"b")
    full.take()
    full.outbox.flush()
    assert full.take() == ["a", "b", "c"]


def test_whoever_is_told_may_drop_the_rest_and_is_told_once(full: Scene) -> None:
    first = full.outbox.post(b"a")
    assert first is not None
    waiting: list[int] = []
    enough = Canceled("enough")

    def give_up(error: IpcError | None) -> None:
        waiting.append(len(full.outbox))
        full.told.append(("a", error))
        full.outbox.drop(enough)

    first.done = give_up
    full.post(b"b")
    full.take()
    full.outbox.flush()
    assert waiting == [1], "what has left does not wait any more"
    assert full.told == [("a", None), ("b", enough)]
    assert full.take() == ["a"]


def test_now_means_now(full: Scene) -> None:
    before = len(open_fds())
    with pytest.raises(ShouldWait, match="queue is full"):
        full.outbox.post_now(b"a", Moved([null()]))
    full.post(b"b")
    full.take()
    with pytest.raises(ShouldWait, match="1 messages wait"):
        full.outbox.post_now(b"c", Moved([null()]))
    assert len(open_fds()) == before
    full.outbox.flush()
    full.outbox.post_now(b"d", Moved([null()]))
    assert full.take() == ["b", "d"]
    assert len(open_fds()) == before


def test_a_dead_peer_is_told_at_once_and_takes_no_handle(scene: Scene) -> None:
    scene.peer.close()
    before = len(open_fds())
    with pytest.raises(PeerClosed):
        scene.outbox.post(b"a", Moved([null()]))
    with pytest.raises(PeerClosed):
        scene.outbox.post_now(b"a", Moved([null()]))
    assert len(open_fds()) == before
    assert len(scene.outbox) == 0


def test_a_peer_that_dies_fails_all_that_waits(full: Scene) -> None:
    before = len(open_fds())
    full.post(b"a", null())
    full.post(b"b")
    full.peer.close()
    full.outbox.flush()
    assert [(name, type(error)) for name, error in full.told] == [
        ("a", PeerClosed),
        ("b", PeerClosed),
    ]
    assert (len(full.outbox), full.outbox.clogged) == (0, False)
    assert len(open_fds()) == before - 1


def test_drop_gives_the_reason_to_each_and_closes_handles(full: Scene) -> None:
    before = len(open_fds())
    full.post(b"a", null())
    full.post(b"b", null())
    reason = Canceled("enough")
    full.outbox.drop(reason)
    assert full.told == [("a", reason), ("b", reason)]
    assert len(open_fds()) == before


def test_a_message_that_can_never_leave_fails_alone(full: Scene) -> None:
    before = len(open_fds())
    full.post(b"a")
    outgoing = full.outbox.post(b"b", Moved([null() for _ in range(65)]))
    assert outgoing is not None
    failures: list[IpcError | None] = []
    outgoing.done = failures.append
    full.post(b"c")
    full.take()
    full.outbox.flush()
    assert [type(error) for error in failures] == [OutOfRange]
    assert full.outbox.withdraw(outgoing)
    assert full.take() == ["a", "c"]
    assert len(open_fds()) == before


def test_an_error_that_is_no_want_of_room_raises_and_closes_the_handles() -> None:
    ours, peer = Channel.create()
    with peer, Channel(ours.take(), Channel.DEFAULT_RIGHTS & ~Rights.WRITE) as mute:
        outbox = Outbox(mute, lambda: None, lambda error: None)
        before = len(open_fds())
        with pytest.raises(AccessDenied):
            outbox.post(b"a", Moved([null()]))
        assert len(open_fds()) == before
        assert len(outbox) == 0


def test_a_port_that_refuses_to_wait_takes_no_handle() -> None:
    def refuse() -> None:
        raise Canceled("the port is closed")

    ours, peer = Channel.create()
    with ours, peer:
        outbox = Outbox(ours, refuse, lambda error: None)
        fill(ours)
        before = len(open_fds())
        with pytest.raises(Canceled):
            outbox.post(b"a", Moved([null()]))
        assert len(open_fds()) == before
        assert (len(outbox), outbox.clogged) == (0, False)


def test_counts_what_has_left_and_what_waits(scene: Scene) -> None:
    assert not scene.post(b"one")
    fill(scene.channel)
    assert scene.outbox.sent == 1
    assert scene.post(b"two")
    assert scene.post(b"three")
    assert (scene.outbox.sent, scene.outbox.backlog_bytes) == (1, 8)
    scene.take()
    scene.outbox.flush()
    assert (scene.outbox.sent, scene.outbox.backlog_bytes) == (3, 0)


def test_what_leaves_alone_is_told_and_nothing_else(scene: Scene) -> None:
    alone: list[int] = []
    outbox = scene.outbox
    outbox.on_alone = lambda: alone.append(outbox.sent)
    outbox.post(b"one", in_company=False)
    outbox.post(b"two")
    assert alone == [1]
    fill(scene.channel)
    assert outbox.post(b"three", in_company=False) is not None
    assert alone == [1]
    outbox.drop(PeerClosed("over"))


# ------------------------------------------------------------------------------ sharing packets


class Turn(Scene):
    """An outbox of an event loop whose turns the test ends."""

    def __init__(self) -> None:
        super().__init__()
        self.soon: list[Callable[[], object]] = []
        self.outbox = Outbox(self.channel, self.ask, self.failed.append, self.soon.append)

    def over(self) -> None:
        soon, self.soon = self.soon, []
        for action in soon:
            action()

    def packets(self) -> list[str]:
        """Read the packets that have left, but those that filled the queue."""
        taken: list[str] = []
        while True:
            try:
                message = self.peer.read()
            except (ShouldWait, PeerClosed):
                return taken
            message.close()
            if message.data.isalnum():
                taken.append(message.data.decode())


@pytest.fixture
def turn() -> Iterator[Turn]:
    turn = Turn()
    yield turn
    turn.outbox.drop(Canceled("the test is over"))
    turn.close()


def test_the_first_leaves_at_once_and_the_rest_together_when_the_turn_is_over(turn: Turn) -> None:
    for name in ("a", "b", "c"):
        assert turn.outbox.post(name.encode()) is None
    assert turn.packets() == ["a"]
    turn.over()
    assert turn.packets() == ["bc"]
    assert turn.outbox.post(b"d") is None
    assert turn.packets() == ["d"], "another turn, another first"
    turn.over()
    assert (turn.packets(), turn.outbox.sent) == ([], 4)


def test_who_is_alone_waits_for_nobody(turn: Turn) -> None:
    turn.outbox.post(b"a", in_company=False)
    turn.outbox.post(b"b", in_company=False)
    assert (turn.packets(), turn.soon) == (["a", "b"], [])


def test_a_packet_holds_twelve_messages(turn: Turn) -> None:
    for number in range(27):
        turn.outbox.post(b"%02d" % number)
    assert [len(packet) // 2 for packet in turn.packets()] == [1, 12, 12]
    turn.over()
    assert [len(packet) // 2 for packet in turn.packets()] == [2]


def test_who_waited_long_enough_leaves_with_the_next(
    turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("ipcrt.bindings.outbox.monotonic", lambda: now)
    for name in (b"a", b"b", b"c"):
        turn.outbox.post(name)
    assert turn.packets() == ["a"]
    now += 0.001
    turn.outbox.post(b"d")
    assert turn.packets() == ["bcd"]


def test_what_cannot_share_goes_behind_what_was_posted_before(turn: Turn) -> None:
    before = len(open_fds())
    long = b"x" * 3000
    for data, handle in ((b"a", None), (b"b", None), (b"c", null()), (b"d", None), (long, None)):
        turn.outbox.post(data, None if handle is None else Moved([handle]))
    assert turn.packets() == ["a", "b", "c", "d", long.decode()]
    assert len(open_fds()) == before


def test_a_shared_packet_waits_for_room_and_nothing_overtakes_it(turn: Turn) -> None:
    turn.outbox.post(b"a")
    turn.outbox.post(b"b")
    turn.outbox.post(b"c")
    fill(turn.channel)
    turn.over()
    assert (turn.outbox.clogged, turn.asked, len(turn.outbox)) == (True, 1, 1)
    assert turn.outbox.post(b"d") is not None
    with pytest.raises(ShouldWait, match="2 messages wait"):
        turn.outbox.post_now(b"e")
    assert turn.packets() == ["a"]
    turn.outbox.flush()
    assert turn.packets() == ["bc", "d"]
    assert turn.outbox.sent == 4


def test_what_is_held_leaves_when_it_is_released(turn: Turn) -> None:
    assert turn.outbox.hold()
    assert not turn.outbox.hold(), "it is held already"
    turn.outbox.post(b"a")
    turn.outbox.post_now(b"b")
    assert turn.packets() == []
    turn.outbox.release()
    turn.outbox.release()
    assert (turn.packets(), turn.soon) == (["ab"], [])


def test_without_a_loop_nothing_is_held(scene: Scene) -> None:
    assert not scene.outbox.hold()
    scene.outbox.post(b"a")
    scene.outbox.post(b"b")
    assert scene.take() == ["a", "b"]


def test_a_peer_that_dies_takes_what_waited_for_company(turn: Turn) -> None:
    turn.outbox.post(b"a")
    turn.outbox.post(b"b")
    turn.peer.close()
    turn.over()
    assert (turn.failed, len(turn.outbox)) == ([], 0)


def test_what_the_kernel_has_against_a_shared_packet_is_told(turn: Turn) -> None:
    turn.outbox.post(b"a")
    turn.outbox.post(b"b")
    turn.channel.close()
    turn.over()
    assert [type(error) for error in turn.failed] == [BadHandle]
