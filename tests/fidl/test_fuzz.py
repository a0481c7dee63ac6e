"""Whatever the text: an answer, never a traceback, in bounded time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fidl import compile_text
from tests.support.fidl_fuzz import LIBRARIES, MUTANTS, TOKENS, check, seeds

ANY = st.one_of(TOKENS, MUTANTS, LIBRARIES, st.text(max_size=200))


def _bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        database=None,
    )


@_bounded(120)
@given(TOKENS)
def test_any_tokens(text: str) -> None:
    check(text)


@_bounded(60)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check(text)


@_bounded(120)
@given(MUTANTS)
def test_mutants_of_what_people_wrote(text: str) -> None:
    check(text)


@_bounded(80)
@given(LIBRARIES)
def test_libraries_that_mostly_keep_to_the_rules(text: str) -> None:
    check(text)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@_bounded(20_000)
@given(ANY)
def test_anything_for_long(text: str) -> None:
    check(text)


def test_the_seeds_are_many_and_hold_themselves() -> None:
    texts = seeds()
    assert len(texts) > 350
    assert sum(check(text).ok for text in texts) > 150


@pytest.mark.parametrize("opening, closing", ["()", "{}", "<>", "[]"])
def test_deep_nesting_is_refused(opening: str, closing: str) -> None:
    for before in ("const A uint8 = ", "type A = struct ", "alias A = vector", "@a"):
        compiled = compile_text(f"{before}{opening * 10_000}1{closing * 10_000};")
        assert not compiled.ok


def test_deep_chains_need_no_stack() -> None:
    count = 1_500
    chains = {
        "struct": "type A{} = struct {{ a A{}; }};",
        "box": "type A{} = struct {{ a box<A{}>; }};",
        "alias": "alias A{} = A{};",
        "const": "const A{} uint8 = A{};",
        "protocol": "protocol A{} {{ compose A{}; }};",
    }
    for name, pattern in chains.items():
        lines = [pattern.format(number, number + 1) for number in range(count)]
        last = {"alias": "alias A{} = uint8;", "const": "const A{} uint8 = 1;"}
        end = last.get(
            name, "protocol A{} {{}};" if name == "protocol" else "type A{} = struct {{}};"
        )
        assert compile_text("\n".join([*lines, end.format(count)])).ok, name
        ring = [pattern.format(number, (number + 1) % count) for number in range(count)]
        assert compile_text("\n".join(ring)).ok == (name == "box"), name
