"""What every implementation of a port promises, written once and run for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from liveperson_connector.domain.queue_messages import OutgoingMessage, QueueCounts, QueueMessage


class FifoQueue(Protocol):
    """A queue as the flows use it."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None: ...

    def receive(self) -> list[QueueMessage]: ...

    def delete(self, receipt_handle: str) -> None: ...

    def hide(self, receipt_handle: str, seconds: int) -> None: ...

    def delete_all(self, receipt_handles: Sequence[str]) -> None: ...

    def show_all(self, receipt_handles: Sequence[str]) -> None: ...

    def counts(self) -> QueueCounts: ...


def letter(body: str, group: str = "g", identity: str = "", **attributes: str) -> OutgoingMessage:
    """Make a letter whose identity is its body unless told otherwise."""
    return OutgoingMessage(body, group, identity or f"id-{body}", attributes)


def bodies(received: Sequence[QueueMessage]) -> list[str]:
    """Give the bodies alone."""
    return [each.body for each in received]


class QueueContract:
    """A subclass supplies the fixture ``queue``: an empty one."""

    def test_messages_of_a_group_keep_their_order(self, queue: FifoQueue) -> None:
        """What is sent first is received first."""
        queue.send([letter("one"), letter("two")])
        queue.send([letter("three")])

        assert ["one", "two", "three"] == bodies(queue.receive())

    def test_of_two_with_one_identity_the_second_is_dropped(self, queue: FifoQueue) -> None:
        """A repeat within a group is taken and does nothing."""
        queue.send([letter("once", identity="same")])
        queue.send([letter("again", identity="same")])

        assert ["once"] == bodies(queue.receive())

    def test_identities_of_different_groups_do_not_meet(self, queue: FifoQueue) -> None:
        """Two consumers may use the same event id."""
        queue.send([letter("a", group="a", identity="same")])
        queue.send([letter("b", group="b", identity="same")])

        assert ["a", "b"] == sorted(bodies(queue.receive()))

    def test_a_message_in_work_holds_back_its_own_group_only(self, queue: FifoQueue) -> None:
        """While one of a group is hidden, the others of the group wait and the rest does not."""
        queue.send([letter("held", group="a")])
        queue.receive()
        queue.send([letter("behind", group="a"), letter("free", group="b")])

        assert ["free"] == bodies(queue.receive())

    def test_a_message_shown_again_comes_before_those_behind_it(self, queue: FifoQueue) -> None:
        """A failed message keeps its place, and its tries are counted."""
        queue.send([letter("first")])
        (first,) = queue.receive()
        queue.send([letter("second")])
        queue.hide(first.receipt_handle, 0)

        again = queue.receive()

        assert (["first", "second"], 2) == (bodies(again), again[0].receive_count)

    def test_a_deleted_message_is_gone(self, queue: FifoQueue) -> None:
        """What was handled is not offered again, and what stood behind it is."""
        queue.send([letter("done")])
        (done,) = queue.receive()
        queue.send([letter("next")])
        queue.delete(done.receipt_handle)

        assert ["next"] == bodies(queue.receive())

    def test_attributes_travel_with_a_message(self, queue: FifoQueue) -> None:
        """Why a letter is dead can be read from it."""
        queue.send([letter("dead", reason="liveperson_refused", http_status="400")])

        (received,) = queue.receive()

        assert {"reason": "liveperson_refused", "http_status": "400"} == received.attributes
        assert "g" == received.group
        assert 1 == received.receive_count

    def test_more_than_one_call_takes_are_sent_in_order(self, queue: FifoQueue) -> None:
        """Twelve letters, more than one SQS call takes, arrive all and in order."""
        queue.send([letter(f"{number:02}") for number in range(12)])

        first = queue.receive()
        for each in first:
            queue.delete(each.receipt_handle)

        assert [f"{n:02}" for n in range(12)] == bodies(first) + bodies(queue.receive())

    def test_many_are_deleted_or_shown_again_together(self, queue: FifoQueue) -> None:
        """More than one call takes: what is deleted is gone, what is shown keeps its place."""
        queue.send([letter(f"{number:02}", group=f"{number % 6}") for number in range(24)])
        taken = []
        while batch := queue.receive():
            taken += batch
            queue.delete_all([each.receipt_handle for each in batch if each.body < "12"])
        queue.show_all([each.receipt_handle for each in taken if each.body >= "12"])

        left: list[str] = []
        while batch := queue.receive():
            left += bodies(batch)
            queue.delete_all([each.receipt_handle for each in batch])

        assert [f"{number:02}" for number in range(12, 24)] == sorted(left)
        assert all(left.index(f"{n}") < left.index(f"{n + 6}") for n in range(12, 18))

    def test_a_queue_counts_its_messages(self, queue: FifoQueue) -> None:
        """What was received counts apart, and what stands behind it in its group waits."""
        queue.send([letter("a", group="a"), letter("b", group="b")])
        before = queue.counts()
        queue.receive()
        queue.send([letter("behind", group="a")])

        assert (QueueCounts(2, 0), QueueCounts(1, 2)) == (before, queue.counts())
