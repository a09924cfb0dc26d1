"""What an operation key names: a payment or refund, and which of its operations."""

from __future__ import annotations

from dataclasses import dataclass

from clearway.domain.ids import PAYMENT, REFUND, is_id
from clearway.domain.review import SubjectType
from clearway.durable.messages import payment_workflow_id, refund_workflow_id
from clearway.gateways.contract import EventUnreadableError


@dataclass(frozen=True, slots=True)
class Named:
    """The payment or refund that an operation key names, and the operation."""

    type: SubjectType
    id: str
    operation: str
    number: int = 1

    @property
    def workflow_id(self) -> str:
        """The workflow that sent the operation."""
        name = refund_workflow_id if self.type is SubjectType.REFUND else payment_workflow_id
        return name(self.id)


def named_by(key: str) -> Named:
    """Read an operation key, `<id>:<operation>:<n>`. Raises EventUnreadableError when it is foreign."""
    subject_id, _, rest = key.partition(":")
    operation, _, number = rest.partition(":")
    for prefix, kind in ((PAYMENT, SubjectType.PAYMENT), (REFUND, SubjectType.REFUND)):
        if is_id(prefix, subject_id):
            return Named(kind, subject_id, operation, int(number) if number.isdecimal() else 1)
    raise EventUnreadableError("the operation's key is not of this installation")
