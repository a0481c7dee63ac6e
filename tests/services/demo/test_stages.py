from __future__ import annotations

from ipcrt_services.demo.stages import Ticker


def told(total: int) -> list[int]:
    found: list[int] = []
    ticker = Ticker(lambda step, done, of: found.append(done), total)
    for _ in range(total):
        ticker.tick("step")
    return found


def test_tells_about_a_hundred_times_and_of_the_end() -> None:
    assert told(1) == [1]
    assert told(3) == [1, 2, 3]
    assert told(1000) == list(range(10, 1001, 10))
    assert told(1005)[-1] == 1005


def test_answers_what_is_to_be_awaited() -> None:
    ticker = Ticker(lambda step, done, total: f"{step} {done}/{total}", 400)
    assert [ticker.tick("x") for _ in range(4)] == [None, None, None, "x 4/400"]
