"""What a plan promises: the same shape gives the same plan, and it has everything in it."""

from collections import Counter

import pytest

from liveperson_connector.liveperson.text import split_text
from sandbox.soak import tagged_texts
from sandbox.soak.plan import DISRUPTIONS, FROZEN, LASTING, Shape, make_plan

SHAPE = Shape(seed=7, minutes=4, consumers=12, faults=0.1)


def test_the_same_shape_gives_the_same_plan() -> None:
    assert make_plan(SHAPE) == make_plan(Shape(seed=7, minutes=4, consumers=12, faults=0.1))


def test_another_seed_gives_another_plan() -> None:
    assert make_plan(SHAPE).actions != make_plan(Shape(seed=8, minutes=4, consumers=12)).actions


def test_everybody_does_everything() -> None:
    plan = make_plan(SHAPE)

    assert {action.consumer for action in plan.actions} - {0} == set(range(1, 13))
    assert {action.what for action in plan.actions} == {
        *("consumer_text", "consumer_repeats", "consumer_typing", "consumer_profile"),
        *("consumer_receipt", "consumer_close", "agent_text", "agent_note", "agent_closes"),
        *("foreign_conversation", "webhook_again"),
    }


def test_some_texts_need_several_messages() -> None:
    lengths = [
        len(action.text) for action in make_plan(SHAPE).actions if action.what == "consumer_text"
    ]

    assert max(lengths) > 4_000
    assert min(lengths) < 100


def test_no_tag_is_used_twice() -> None:
    plan = make_plan(SHAPE)
    texts = [
        action.text for action in plan.actions if action.text and action.what != "consumer_repeats"
    ]
    texts += [text for action in plan.actions for text in action.texts]

    assert not [
        tag for tag, times in Counter(tagged_texts.tags(" ".join(texts))).items() if times > 1
    ]


def test_a_repeat_is_the_very_same_event() -> None:
    plan = make_plan(SHAPE)
    texts = {(a.consumer, a.event_id): a.text for a in plan.actions if a.what == "consumer_text"}
    repeats = [action for action in plan.actions if action.what == "consumer_repeats"]

    assert repeats
    assert all(texts[each.consumer, each.event_id] == each.text for each in repeats)


def test_every_big_trouble_comes_in_time() -> None:
    for minutes in (0.5, 4.0, 20.0):
        plan = make_plan(Shape(minutes=minutes))
        assert set(DISRUPTIONS) == {each.what for each in plan.disruptions}
        assert all(0 < each.at < plan.shape.seconds for each in plan.disruptions)
        lasting = {**LASTING, "aws_frozen": FROZEN}
        for each in plan.disruptions:
            low, high = lasting.get(each.what, (0, 0))
            assert low <= each.seconds <= high


def test_what_is_spoilt_was_said() -> None:
    plan = make_plan(SHAPE)
    said = set(tagged_texts.tags(" ".join(action.text for action in plan.actions)))

    assert {fault.tag for fault in plan.planned_faults} <= said
    assert {fault.where for fault in plan.planned_faults} == {"send", "webhook_sender", "channel"}


def test_more_faults_spoil_more() -> None:
    few, many = (len(make_plan(Shape(faults=faults)).planned_faults) for faults in (0.05, 0.3))

    assert 3 * few < many


def test_without_faults_nothing_breaks() -> None:
    plan = make_plan(Shape(faults=0))

    assert not plan.planned_faults
    assert not plan.random_faults
    assert not plan.disruptions
    assert plan.actions


@pytest.mark.parametrize("seed", range(10))
def test_every_part_of_a_long_text_is_found_again(seed: int) -> None:
    """Where a story is cut its last part may be a few words only: they have a tag, too."""
    stories = [
        action.text for action in make_plan(Shape(seed=seed)).actions if len(action.text) > 1000
    ]

    assert stories
    assert [] == [
        part for story in stories for part in split_text(story) if not tagged_texts.tags(part)
    ]
