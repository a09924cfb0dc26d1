"""Workers that a busy machine does not upset."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.worker import Worker


def patient(workers: Sequence[Worker]) -> Sequence[Worker]:
    """Let a workflow's thread stand still for a minute, as it may on a busy machine.

    After two seconds the SDK takes it for a deadlock and raises an exception wherever the thread is: in a finalizer of
    the garbage collector, pytest makes that a failure of the test.
    """
    for each in workers:
        assert each._workflow_worker is not None
        each._workflow_worker._deadlock_timeout_seconds = 60
    return workers
