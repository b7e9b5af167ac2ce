"""The queue in this process takes the exam that SQS takes in tests/integration."""

import pytest

from tests.support.contracts import QueueContract
from tests.support.in_process import InProcessQueue


class TestInProcessQueue(QueueContract):
    """The queue that the unit tests of the flows stand on."""

    @pytest.fixture(name="queue")
    def _queue(self) -> InProcessQueue:
        return InProcessQueue()
