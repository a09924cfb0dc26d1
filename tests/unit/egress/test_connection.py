"""The guarded connection: for every answer of a name server, only a checked address is connected to."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from ipaddress import ip_address
from unittest.mock import AsyncMock

import httpcore
import pytest

from clearway.egress import SendError, WebhookSender
from clearway.egress.connection import BlockedAddressError, GuardedBackend, resolve_all
from tests.unit.egress.known_tricks import REFUSED


def names(*answers: list[str]):
    """Return a resolver that gives these answers, one a look-up, and keeps what it was asked."""
    asked: list[tuple[str, int]] = []

    async def resolve(host, port):
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append((host, port))
        return [ip_address(text) for text in answer]

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(["10.0.0.1"], id="private"),
        pytest.param(["fd00::1"], id="private-v6"),
        pytest.param(["127.0.0.1", "10.0.0.1"], id="mixed-private-last"),
        pytest.param(["10.0.0.1", "127.0.0.1"], id="mixed-private-first"),
        pytest.param(["127.0.0.1", "fd00::1"], id="private-aaaa-beside-good-a"),
        pytest.param(["127.0.0.1"] * 50 + ["169.254.169.254"], id="hidden-in-a-crowd"),
        pytest.param(["::ffff:127.0.0.1"], id="mapped"),
        pytest.param(["64:ff9b::a9fe:a9fe"], id="nat64-metadata"),
    ],
)
async def test_one_forbidden_address_condemns_the_answer(receive, policy, answer):
    """A name with any forbidden address is not connected to at all, not even at its good ones."""
    receiver = await receive()
    result = await WebhookSender(policy, resolve=names(answer)).send(receiver.url("hooks.example"), {}, b"{}")
    assert result.error_code is SendError.BLOCKED_ADDRESS
    assert receiver.connections == 0


@pytest.mark.parametrize("address", REFUSED)
async def test_a_name_leads_to_no_address_of_the_table(policy, address):
    """What may not be written in a URL may not be reached by a name either, also beside an address that is good."""
    strict = replace(policy, allowed_networks=())
    for answer in ([address], ["1.1.1.1", address]):
        result = await WebhookSender(strict, resolve=names(answer)).send("http://hooks.example/", {}, b"{}")
        assert (result.error_code, result.status) == (SendError.BLOCKED_ADDRESS, None)


async def test_refusal_does_not_name_the_address(policy):
    """The merchant's error names the kind of address, and not the address."""
    result = await WebhookSender(policy, resolve=names(["10.11.12.13"])).send("https://db.internal/", {}, b"{}")
    assert result.error == "Webhooks are not sent to db.internal: it leads to a private address."


async def test_rebinding_between_check_and_connection(receive, policy):
    """A name that changes after it was checked changes nothing: the one answer that was judged is used."""
    receiver = await receive()
    resolve = names(["127.0.0.1"], ["10.0.0.1"])
    result = await WebhookSender(policy, resolve=resolve).send(receiver.url("hooks.example"), {}, b"{}")
    assert result.succeeded
    assert resolve.asked == [("hooks.example", receiver.port)]


async def test_connection_is_not_kept_for_a_name_that_moves(receive, policy):
    """Each attempt looks up and connects again: a kept connection would outlive the check of its address."""

    async def keep_alive(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    receiver = await receive(keep_alive)
    sender = WebhookSender(policy, resolve=names(["127.0.0.1"], ["10.0.0.1"]))
    assert (await sender.send(receiver.url("hooks.example"), {}, b"{}")).succeeded
    await receiver.hung_up()
    assert (await sender.send(receiver.url("hooks.example"), {}, b"{}")).error_code is SendError.BLOCKED_ADDRESS
    assert receiver.connections == 1
    assert b"connection: close\r\n" in receiver.requests[0].lower()


async def test_peer_is_verified_after_connecting(receive, policy):
    """If the socket turns out to lead elsewhere than to a judged address, nothing is sent."""
    receiver = await receive()
    backend = GuardedBackend(policy.allowed_networks, 1_000, names(["127.0.0.9"]))

    class Elsewhere(httpcore.AnyIOBackend):
        async def connect_tcp(self, host, *args, **kwargs):
            assert host == "127.0.0.9"
            return await super().connect_tcp("127.0.0.1", *args, **kwargs)

    backend._sockets = Elsewhere()
    with pytest.raises(BlockedAddressError, match="another address"):
        await backend.connect_tcp("hooks.example", receiver.port)
    await backend.aclose()
    await receiver.hung_up()
    assert receiver.requests == []


async def test_unknown_peer_is_refused(receive, policy):
    """A connection that cannot say where it leads is not used."""
    receiver = await receive()
    backend = GuardedBackend(policy.allowed_networks, 1_000, names(["127.0.0.1"]))
    silent = httpcore.AsyncMockStream([])
    silent.get_extra_info = {}.get
    backend._sockets = AsyncMock(httpcore.AnyIOBackend)
    backend._sockets.connect_tcp.return_value = silent
    with pytest.raises(BlockedAddressError, match="not known"):
        await backend.connect_tcp("hooks.example", receiver.port)


async def test_unix_sockets_are_refused():
    """No URL leads to a socket file of this machine."""
    with pytest.raises(BlockedAddressError):
        await GuardedBackend((), 1_000).connect_unix_socket("/run/postgresql/.s.PGSQL.5432")


@pytest.mark.parametrize("text", ["2130706433", "0x7f.1", "127.1", "0", "0177.0.0.1"])
async def test_numbers_that_the_system_resolves_are_judged_as_addresses(text):
    """Decimal, hexadecimal, octal and short forms become the address they mean before they are judged."""
    with pytest.raises(BlockedAddressError):
        await GuardedBackend((), 1_000, resolve_all).connect_tcp(text, 80)


async def test_next_address_is_tried(receive, policy):
    """When the first address does not answer, the next judged one is used."""
    receiver = await receive()
    sender = WebhookSender(policy, resolve=names(["127.0.0.2", "127.0.0.1"]))  # the receiver only has .1
    assert (await sender.send(receiver.url("hooks.example"), {}, b"{}")).succeeded


async def test_few_addresses_are_tried(receive, policy):
    """Of a name with very many addresses, only a few are tried."""
    receiver = await receive()
    sender = WebhookSender(policy, resolve=names([f"127.0.0.{last}" for last in range(2, 60)] + ["127.0.0.1"]))
    result = await sender.send(receiver.url("hooks.example"), {}, b"{}")
    assert result.error_code is SendError.CONNECT_FAILED


async def test_name_without_address(policy):
    """A name with no address is a failed look-up."""
    result = await WebhookSender(policy, resolve=names([])).send("https://hooks.example/", {}, b"{}")
    assert (result.error_code, result.error) == (SendError.DNS_FAILURE, "The name hooks.example has no address.")


async def test_name_that_does_not_exist(policy):
    """A name server's refusal is a failed look-up, not a fault of Clearway."""

    async def refuse(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    result = await WebhookSender(policy, resolve=refuse).send("https://hooks.invalid/", {}, b"{}")
    assert (result.error_code, result.status) == (SendError.DNS_FAILURE, None)


async def test_slow_name_server_is_within_the_deadline(policy):
    """A name server that never answers takes no longer than anything else."""

    async def hang(host, port):
        await asyncio.sleep(3_600)

    started = time.monotonic()
    result = await WebhookSender(replace(policy, timeout_s=0.2), resolve=hang).send("https://a.example/", {}, b"{}")
    assert result.error_code is SendError.TIMEOUT
    assert time.monotonic() - started < 30


async def test_system_resolver_gives_addresses():
    """The real resolver returns addresses, every one there is."""
    assert ip_address("127.0.0.1") in await resolve_all("localhost", 80)
