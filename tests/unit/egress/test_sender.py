"""An ordinary attempt: what goes over the wire, and what each kind of answer is recorded as."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clearway.egress import EgressPolicy, SendError, WebhookSender
from clearway.setting_values import Environment
from clearway.settings import Settings, SettingsError


async def test_request_goes_out_as_given(receive, sender):
    """The body arrives byte for byte, with the headers given and those that the sender insists on."""
    receiver = await receive()
    body = '{"id":"evt_1","note":"₹"}'.encode()
    result = await sender.send(receiver.url(), {"Webhook-Id": "evt_1", "X-Webhook-Signature": "ab12"}, body)
    assert result.succeeded
    assert (result.status, result.response_body, result.error_code, result.error) == (200, "ok", None, None)
    head, _, sent = receiver.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /hooks?x=1 http/1.1"
    assert set(lines[1:]) == {
        f"host: 127.0.0.1:{receiver.port}",
        "content-type: application/json",
        "user-agent: clearway-webhooks/1.0",
        "accept: */*",
        "accept-encoding: identity",
        "connection: close",
        "webhook-id: evt_1",
        "x-webhook-signature: ab12",
        f"content-length: {len(body)}",
    }
    assert sent == body


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Connection"])
async def test_headers_of_the_sender_cannot_be_given(sender, name):
    """Headers that decide where and how a request goes are not for callers to set."""
    with pytest.raises(ValueError, match=name.lower()):
        await sender.send("http://127.0.0.1:9/", {name: "x"}, b"{}")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_success_is_2xx(receive, sender, status):
    """Every 2xx means received, with or without a body."""
    result = await sender.send((await receive(b"HTTP/1.1 %d Fine\r\n\r\n" % status)).url(), {}, b"{}")
    assert result.succeeded
    assert (result.status, result.error_code) == (status, None)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503, 599])
async def test_other_statuses_are_failures(receive, sender, status):
    """Nothing but 2xx means received; the status is kept, so that 410 and 429 can be acted upon."""
    answer = b"HTTP/1.1 %d No\r\nContent-Length: 4\r\n\r\nnope" % status
    result = await sender.send((await receive(answer)).url(), {}, b"{}")
    assert not result.succeeded
    assert (result.status, result.error_code) == (status, SendError.HTTP_STATUS)
    assert result.error == f"The endpoint answered {status}; only 2xx means received."


@pytest.mark.parametrize(("value", "expected"), [("120", 120.0), ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0), ("x", None)])
async def test_retry_after_is_read(receive, policy, value, expected):
    """The wait that an endpoint asks for is in the result, whichever form it has."""
    receiver = await receive(f"HTTP/1.1 429 Slow\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode())
    sender = WebhookSender(policy, now=lambda: datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert (await sender.send(receiver.url(), {}, b"{}")).retry_after_s == expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param("₹ ok".encode(), "₹ ok", id="utf-8"),
        pytest.param(b"\xff\xfe ok", "\ufffd\ufffd ok", id="not-utf-8"),
        pytest.param(b"a\x00b", "a\ufffdb", id="nul"),
        pytest.param("₹".encode() * 500, "₹" * 341, id="cut-inside-a-character"),
        pytest.param(b"x" * 1_025, "x" * 1_024, id="one-byte-over-the-cap"),
    ],
)
async def test_body_becomes_storable_text(receive, sender, body, text):
    """Any bytes of an answer become text that the database can store, within the limit."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert (await sender.send((await receive(answer)).url(), {}, b"{}")).response_body == text


async def test_many_and_long_headers_are_cut(receive, sender):
    """An attempt's record does not grow with the headers of the answer."""
    headers = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 2_000) for number in range(40))
    more = b"".join(b"Y-%d: v\r\n" % number for number in range(100))
    result = await sender.send((await receive(b"HTTP/1.1 200 OK\r\n" + headers + more + b"\r\n")).url(), {}, b"{}")
    assert result.succeeded
    assert len(result.response_headers) == 64
    assert max(len(value) for value in result.response_headers.values()) == 1_024


async def test_answer_before_the_body_is_read(receive, sender):
    """A server that refuses a large message without reading it is understood all the same."""

    async def refuse(reader, writer):
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    receiver = await receive(refuse)
    result = await sender.send(receiver.url(), {}, b"x" * 200_000)
    assert result.status == 413


def test_policy_from_settings():
    """The policy is read from the settings: https only in production, networks as they are listed."""
    settings = Settings(webhook_allowed_networks=("127.0.0.0/8", "::1/128"), webhook_timeout_s=7)
    policy = EgressPolicy.from_settings(settings)
    assert [str(network) for network in policy.allowed_networks] == ["127.0.0.0/8", "::1/128"]
    assert (policy.timeout_s, policy.allow_http, policy.response_bytes_max) == (7, True, 16 * 1024)
    production = Settings(
        clearway_env=Environment.PRODUCTION, secret_keys="a:b", api_key_peppers="p:p", simulator_webhook_secret="s"
    )
    assert not EgressPolicy.from_settings(production).allow_http


def test_bad_network_is_clear():
    """A network that is none stops the process with the variable's name."""
    with pytest.raises(SettingsError, match=r"WEBHOOK_ALLOWED_NETWORKS: 127\.0\.0\.1/8 has host bits set"):
        EgressPolicy.from_settings(Settings(webhook_allowed_networks=("127.0.0.1/8",)))
