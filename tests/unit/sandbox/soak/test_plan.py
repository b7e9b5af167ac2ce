"""What a plan promises: the same shape gives the same plan, and it has everything in it."""

from collections import Counter

import pytest

from liveperson_connector.liveperson.text import split_text
from sandbox.soak import tagged_texts as words
from sandbox.soak.plan import FROZEN, LASTING, TROUBLES, Shape, make_plan

SHAPE = Shape(seed=7, minutes=4, consumers=12, faults=0.1)


def test_the_same_shape_gives_the_same_plan() -> None:
    assert make_plan(SHAPE) == make_plan(Shape(seed=7, minutes=4, consumers=12, faults=0.1))


def test_another_seed_gives_another_plan() -> None:
    assert make_plan(SHAPE).acts != make_plan(Shape(seed=8, minutes=4, consumers=12)).acts


def test_everybody_does_everything() -> None:
    plan = make_plan(SHAPE)

    assert {act.consumer for act in plan.acts} - {0} == set(range(1, 13))
    assert {act.what for act in plan.acts} == {
        *("consumer_text", "consumer_repeats", "consumer_typing", "consumer_profile"),
        *("consumer_receipt", "consumer_close", "agent_text", "agent_note", "agent_closes"),
        *("foreign_conversation", "webhook_again"),
    }


def test_some_texts_need_several_messages() -> None:
    lengths = [len(act.text) for act in make_plan(SHAPE).acts if act.what == "consumer_text"]

    assert max(lengths) > 4_000
    assert min(lengths) < 100


def test_no_tag_is_used_twice() -> None:
    plan = make_plan(SHAPE)
    texts = [act.text for act in plan.acts if act.text and act.what != "consumer_repeats"]
    texts += [text for act in plan.acts for text in act.texts]

    assert not [tag for tag, times in Counter(words.tags(" ".join(texts))).items() if times > 1]


def test_a_repeat_is_the_very_same_event() -> None:
    plan = make_plan(SHAPE)
    texts = {(a.consumer, a.event_id): a.text for a in plan.acts if a.what == "consumer_text"}
    repeats = [act for act in plan.acts if act.what == "consumer_repeats"]

    assert repeats
    assert all(texts[each.consumer, each.event_id] == each.text for each in repeats)


def test_every_big_trouble_comes_in_time() -> None:
    for minutes in (0.5, 4.0, 20.0):
        plan = make_plan(Shape(minutes=minutes))
        assert set(TROUBLES) == {each.what for each in plan.troubles}
        assert all(0 < each.at < plan.shape.seconds for each in plan.troubles)
        lasting = {**LASTING, "aws_frozen": FROZEN}
        for each in plan.troubles:
            low, high = lasting.get(each.what, (0, 0))
            assert low <= each.seconds <= high


def test_what_is_spoilt_was_said() -> None:
    plan = make_plan(SHAPE)
    said = set(words.tags(" ".join(act.text for act in plan.acts)))

    assert {hit.tag for hit in plan.hits} <= said
    assert {hit.where for hit in plan.hits} == {"send", "webhook_sender", "channel"}


def test_more_faults_spoil_more() -> None:
    few, many = (len(make_plan(Shape(faults=faults)).hits) for faults in (0.05, 0.3))

    assert 3 * few < many


def test_without_faults_nothing_breaks() -> None:
    plan = make_plan(Shape(faults=0))

    assert not plan.hits
    assert not plan.noise
    assert not plan.troubles
    assert plan.acts


@pytest.mark.parametrize("seed", range(10))
def test_every_part_of_a_long_text_is_found_again(seed: int) -> None:
    """Where a story is cut its last part may be a few words only: they have a tag, too."""
    stories = [act.text for act in make_plan(Shape(seed=seed)).acts if len(act.text) > 1000]

    assert stories
    assert [] == [part for story in stories for part in split_text(story) if not words.tags(part)]
