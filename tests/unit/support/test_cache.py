"""Values remembered for a while, and kept when their source fails."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.support.cache import Cache, Throttle
from tests.support.clocks import Clock


class Source:
    """Counts how often each key was loaded, and fails when told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def load(self, key: str) -> str:
        self.asked.append(key)
        if self.failure:
            raise self.failure
        return f"{key}{self.asked.count(key)}"


@pytest.fixture(name="source")
def _source() -> Source:
    return Source()


@pytest.fixture(name="cache")
def _cache(source: Source, clock: Clock) -> Cache[str]:
    return Cache(source.load, ttl=60, clock=clock, size=3)


def test_a_fresh_value_is_loaded_once(cache: Cache[str], clock: Clock) -> None:
    """Until its time is over, a value is remembered."""
    first = cache.get("a")
    clock.pass_seconds(59)

    assert ("a1", "a1") == (first, cache.get("a"))


def test_an_old_value_is_loaded_again(cache: Cache[str], clock: Clock) -> None:
    """When its time is over, the newest value is fetched."""
    cache.get("a")
    clock.pass_seconds(60)

    assert "a2" == cache.get("a")


def test_keys_do_not_mix(cache: Cache[str]) -> None:
    """Each account has its own value."""
    assert ["a1", "b1", "a1"] == [cache.get("a"), cache.get("b"), cache.get("a")]


def test_a_value_can_say_how_long_it_is_good(source: Source, clock: Clock) -> None:
    """The time to live may depend on the value."""
    cache = Cache(source.load, ttl=lambda value: 10 if value == "a1" else 100, clock=clock)
    cache.get("a")
    clock.pass_seconds(10)
    cache.get("a")
    clock.pass_seconds(99)

    assert "a2" == cache.get("a")


def test_an_empty_value_may_have_a_time_of_its_own(source: Source, clock: Clock) -> None:
    """What was not there may be written soon; what was there is good for longer."""
    found = iter([None, None, "x"])
    cache = Cache(lambda _key: next(found), ttl=100, empty_ttl=10, clock=clock)
    for seconds in (0, 9, 1, 10, 99):
        clock.pass_seconds(seconds)
        last = cache.get("a")

    assert "x" == last
    clock.pass_seconds(1)
    with pytest.raises(StopIteration):  # it is loaded once more
        cache.get("a")


def test_the_last_good_value_outlives_its_source(
    cache: Cache[str], source: Source, clock: Clock
) -> None:
    """While the source fails, what it last said is served."""
    cache.get("a")
    clock.pass_seconds(3600)
    source.failure = AwsUnavailable("throttled")

    assert "a1" == cache.get("a")


def test_a_failing_source_is_asked_with_patience(
    cache: Cache[str], source: Source, clock: Clock
) -> None:
    """A crowd of messages does not beat on a source that has just failed."""
    cache.get("a")
    clock.pass_seconds(60)
    source.failure = AwsUnavailable("throttled")
    for _ in range(10):
        cache.get("a")
    clock.pass_seconds(5)
    cache.get("a")

    assert ["a"] * 3 == source.asked


def test_a_source_that_recovers_is_believed_again(
    cache: Cache[str], source: Source, clock: Clock
) -> None:
    """After a failure the next good answer replaces the kept one."""
    cache.get("a")
    clock.pass_seconds(60)
    source.failure = AwsUnavailable("throttled")
    cache.get("a")
    source.failure = None
    clock.pass_seconds(5)

    assert "a3" == cache.get("a")


def test_without_a_good_value_the_failure_passes_through(cache: Cache[str], source: Source) -> None:
    """Nothing is invented for a key that was never loaded."""
    source.failure = AwsUnavailable("throttled")

    with pytest.raises(AwsUnavailable):
        cache.get("a")


def test_a_bug_is_not_hidden_behind_an_old_value(
    cache: Cache[str], source: Source, clock: Clock
) -> None:
    """Only errors that time may mend are covered by the last good value."""
    cache.get("a")
    clock.pass_seconds(60)
    source.failure = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        cache.get("a")


def test_a_forgotten_value_is_loaded_again(cache: Cache[str]) -> None:
    """Whoever knows that a value has become wrong need not wait."""
    cache.get("a")
    cache.forget("a")

    assert "a2" == cache.get("a")


def test_a_forgotten_value_is_kept_in_case(cache: Cache[str], source: Source) -> None:
    """To forget is to ask again, not to lose."""
    cache.get("a")
    cache.forget("a")
    source.failure = AwsUnavailable("throttled")

    assert "a1" == cache.get("a")


def test_to_forget_what_is_not_known_does_nothing(cache: Cache[str], source: Source) -> None:
    """Forgetting an unknown key loads nothing."""
    cache.forget("stranger")

    assert [] == source.asked


def test_a_refresh_loads_at_once(cache: Cache[str], clock: Clock) -> None:
    """A fresh value is loaded again when somebody has reason to doubt it."""
    cache.get("a")
    clock.pass_seconds(30)

    assert "a2" == cache.refresh("a", at_least=30)


def test_refreshes_keep_their_distance(cache: Cache[str], clock: Clock) -> None:
    """A stranger who makes us doubt makes us ask at most this often."""
    cache.get("a")
    clock.pass_seconds(29)

    assert "a1" == cache.refresh("a", at_least=30)


def test_a_refresh_of_an_unknown_key_loads_it(cache: Cache[str]) -> None:
    """To refresh what was never loaded is to load it."""
    assert "a1" == cache.refresh("a", at_least=30)


def test_only_so_many_keys_are_remembered(cache: Cache[str], source: Source) -> None:
    """Of more keys than fit, the one not used for longest is forgotten."""
    for key in "abc":
        cache.get(key)
    cache.get("a")
    cache.get("d")
    source.asked.clear()
    for key in "adcb":
        cache.get(key)

    assert ["b"] == source.asked


# ── Strangers ──


def test_only_so_much_happens_in_a_time(clock: Clock) -> None:
    """Three in ten seconds, whenever the ten seconds begin."""
    throttle = Throttle(3, 10, clock=clock)
    allowed = []
    for _ in range(15):
        allowed.append(throttle.allows())
        clock.pass_seconds(1)

    assert [0, 1, 2, 10, 11, 12] == [second for second, each in enumerate(allowed) if each]


def test_what_is_not_allowed_does_not_count(clock: Clock) -> None:
    """Who knocks all the time is let in as often as who waits."""
    throttle = Throttle(1, 10, clock=clock)
    throttle.allows()
    clock.pass_seconds(9.5)

    assert not throttle.allows()
    clock.pass_seconds(0.5)
    assert throttle.allows()


def test_a_key_that_cannot_exist_is_neither_loaded_nor_remembered(
    source: Source, clock: Clock
) -> None:
    """Invented keys cost nothing, and forget none of those that are known."""
    known = {"a"}
    cache = Cache(source.load, ttl=60, clock=clock, size=1, may_exist=lambda key: key in known)
    cache.get("a")
    found = [
        *(cache.get(f"b{number}") for number in range(5)),
        *(cache.refresh(f"c{number}", at_least=0) for number in range(5)),
    ]

    assert {None} == set(found)
    assert ["a"] == source.asked
    known.add("b0")
    assert "b01" == cache.get("b0")


def test_a_known_key_is_loaded_again_without_a_question(source: Source, clock: Clock) -> None:
    """It existed a moment ago."""
    answers = iter([True])
    cache = Cache(source.load, ttl=60, clock=clock, may_exist=lambda _key: next(answers))
    cache.get("a")
    clock.pass_seconds(61)

    assert "a2" == cache.get("a")
