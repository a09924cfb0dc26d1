"""The requests with which a stand-in reports to a merchant: form fields, by POST or in the query of a GET."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from clearway.simulator.facades.hosted.books import Books, Thing
from clearway.simulator.outbox import Channel, Notice, Webhook
from clearway.simulator.records import Kind as OperationKind
from clearway.simulator.records import Operation, Payment, Status

Report = Callable[[Thing, Operation, Payment, float], Mapping[str, str] | None]
"""Makes the fields of the report about a decided order; None: nothing is reported."""
DECIDED = frozenset({Status.AUTHORIZED, Status.CAPTURED, Status.DECLINED})
NOWHERE = "http://127.0.0.1:9/no-result-url"


class ReportChannel(Channel):
    """Reports decided orders to the result URL of their account. Captures and refunds are not reported.

    expects: the text that an answer must be; None: a 2xx is enough.
    """

    def __init__(self, books: Books, report: Report, expects: str | None = None) -> None:
        self._books = books
        self._report = report
        self._expects = expects

    def notices(self, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        """Return the report about an order as it is now."""
        order = self._books.of_operation(operation.key)
        if operation.kind is not OperationKind.PAYMENT or order is None or operation.status not in DECIDED:
            return []
        fields = self._report(order, operation, payment, at)
        if fields is None or self._url(order.account) is None:
            return []
        event_id = f"{order.id}:{secrets.token_hex(4)}"
        return [Notice(event_id, operation.status.value, urlencode(fields), order.account)]

    def address(self, webhook: Webhook) -> str:
        """Return the present result URL of the account; for a GET with the fields."""
        url = self._url(webhook.receiver) or NOWHERE
        return f"{url}?{webhook.body}" if self.method(webhook) == "GET" else url

    def headers(self, webhook: Webhook, at: float) -> dict[str, str]:  # noqa: ARG002 - the fields carry the checksum
        """Return the form's content type; a checksum is among the fields."""
        return {} if self.method(webhook) == "GET" else {"content-type": "application/x-www-form-urlencoded"}

    def method(self, webhook: Webhook) -> str:
        """Return the method of the account."""
        account = self._books.account(webhook.receiver)
        return account.callback_method if account else "POST"

    def refusal(self, status: int, text: str) -> str | None:
        """Return why an answer does not accept the report."""
        refused = super().refusal(status, text)
        if refused is None and self._expects is not None and text.strip() != self._expects:
            return f"the answer is not {self._expects}"
        return refused

    def _url(self, name: str) -> str | None:
        account = self._books.account(name)
        return account.result_url if account else None
