"""The guarded connection: resolve every address, check them all, connect only to a checked address.

Owns the only place where a name becomes a socket, so that nothing can change between the check and the connection
(DNS rebinding), and the cap on what one connection may read. It must not know about webhooks or HTTP. Host header,
SNI and certificate name stay the original: httpcore takes them from the URL, not from the address connected to.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

import httpcore

from clearway.egress.addresses import Address, Network, refusal

CONNECT_ATTEMPTS_MAX: Final = 4
"""How many of a name's addresses are tried: enough for two address families, too few to scan a network with."""
CONNECT_ATTEMPT_TIMEOUT_S: Final = 4.0
RESOLVER_THREADS: Final = 32

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]

# Look-ups of names that merchants choose may hang for as long as their name servers like. In a pool of their own they
# cannot starve what else runs in the event loop's default threads.
_resolver_threads: Final = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="egress-resolver")


class BlockedAddressError(httpcore.ConnectError):
    """The name leads to an address that must not be reached."""


class NameNotResolvedError(httpcore.ConnectError):
    """The name has no address, or its name server does not answer."""


class ReadLimitError(httpcore.RemoteProtocolError):
    """The peer sent more than any acceptable answer holds."""


async def resolve_all(host: str, port: int) -> Sequence[Address]:
    """Return every IPv4 and IPv6 address of `host`, in the order in which the system would try them."""
    loop = asyncio.get_running_loop()
    infos = await loop.run_in_executor(_resolver_threads, _getaddrinfo, host, port)
    return [ip_address(info[4][0]) for info in infos]


def _getaddrinfo(host: str, port: int) -> list[Any]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """The network as a merchant's URL may use it. One instance serves one exchange.

    Args:
        allowed_networks: Networks open although they are not public.
        read_bytes_max: What one connection may read, headers included.
        resolve: How names become addresses; tests give their own.
    """

    def __init__(
        self, allowed_networks: Collection[Network], read_bytes_max: int, resolve: Resolver = resolve_all
    ) -> None:
        self._allowed_networks = allowed_networks
        self._read_bytes_max = read_bytes_max
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def aclose(self) -> None:
        """Close every connection made: httpcore forgets one whose TLS handshake is cancelled by the deadline."""
        while self._opened:
            await self._opened.pop().aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to an address of `host`, provided that all of its addresses may be reached."""
        del timeout  # the caller's deadline covers the whole exchange
        addresses = await self._judged_addresses(host, port)
        stream = await self._connect_first(addresses, port, local_address, list(socket_options or ()))
        self._opened.append(stream)
        self._verify_peer(stream, addresses)
        return MeteredStream(stream, self._read_bytes_max)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL of a merchant leads to a socket of this machine."""
        del path, timeout, socket_options
        raise BlockedAddressError("Unix sockets are not reachable.")

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between connection attempts of its own (which are off)."""
        await asyncio.sleep(seconds)

    async def _judged_addresses(self, host: str, port: int) -> Sequence[Address]:
        try:
            addresses = await self._resolve(host, port)
        except (socket.gaierror, UnicodeError) as error:
            raise NameNotResolvedError(f"The name {host} could not be resolved.") from error
        if not addresses:
            raise NameNotResolvedError(f"The name {host} has no address.")
        for address in addresses:
            # One forbidden address refuses the name: a mixed answer could pass a check on one address and connect to
            # another. The error names the kind of the address only: the name may be an internal one.
            self._judge(address, host)
        return addresses

    def _judge(self, address: Address, host: str) -> None:
        reason = refusal(address, self._allowed_networks)
        if reason is not None:
            raise BlockedAddressError(f"Webhooks are not sent to {host}: it leads to a {reason} address.")

    async def _connect_first(
        self,
        addresses: Sequence[Address],
        port: int,
        local_address: str | None,
        socket_options: list[httpcore.SOCKET_OPTION],
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in addresses[:CONNECT_ATTEMPTS_MAX]:
            try:
                return await self._sockets.connect_tcp(
                    str(address), port, CONNECT_ATTEMPT_TIMEOUT_S, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None, "there is at least one address to try"
        raise failure

    def _verify_peer(self, stream: httpcore.AsyncNetworkStream, addresses: Sequence[Address]) -> None:
        """Compare the socket's peer with the checked addresses; fail closed when it is not among them."""
        peer = stream.get_extra_info("server_addr")
        if peer is None:
            raise BlockedAddressError("The address of the connection's peer is not known.")
        address = ip_address(peer[0])
        if address not in addresses:
            raise BlockedAddressError("The connection goes to another address than the one that was checked.")
        self._judge(address, str(address))


class MeteredStream(httpcore.AsyncNetworkStream):
    """A stream that ends with an error once more was read than any acceptable answer holds.

    The deadline bounds the time a hostile answer takes; this bounds the work it makes: an endless flood of
    `100 Continue` or of chunk framing never reaches the body's own cap.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, bytes_left: int) -> None:
        self._stream = stream
        self._bytes_left = bytes_left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read, and count what was read."""
        if self._bytes_left <= 0:
            raise ReadLimitError("The answer is too large.")
        data = await self._stream.read(max_bytes, timeout)
        self._bytes_left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write through."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        """Start TLS, metered as before."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return MeteredStream(stream, self._bytes_left)

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream below knows."""
        return self._stream.get_extra_info(info)
