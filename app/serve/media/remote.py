"""Fetches remote media, from hosts that the operator names and from no other.

Every hop of a redirect is checked anew: its host must be named, and all addresses that the host
resolves to must be public. The connection goes to an address that was checked, not to the name, so
a name that resolves differently the second time (DNS rebinding) leads nowhere else. Proxies of the
environment are not used.
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from app.serve.errors import APIError
from app.serve.limits import ServeLimits

HOPS = 4
PORTS = {"http": 80, "https": 443}
PIECE = 2**16  # bytes
SLOWEST = 10.0  # seconds without a byte
REDIRECTS = (301, 302, 303, 307, 308)

Resolve = Callable[[str, int], Sequence[str]]


class Refused(Exception):  # noqa: N818  becomes an APIError
    """Why an address is not fetched."""


def is_public(address: str) -> bool:
    """Returns whether an IP address is on the public internet, also when written in IPv6."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        for inner in (ip.ipv4_mapped, ip.sixtofour, ip.teredo and ip.teredo[1]):
            if inner:
                return is_public(str(inner))
        if ip in ipaddress.ip_network("64:ff9b::/96"):  # NAT64
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def resolve(host: str, port: int) -> list[str]:
    """Returns the IP addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """`hosts`: names of allowed hosts; ".example.org" allows all hosts below example.org."""

    def __init__(
        self,
        hosts: Sequence[str],
        limits: ServeLimits,
        resolve: Resolve = resolve,
        is_public: Callable[[str], bool] = is_public,
    ) -> None:
        self.hosts = [host.lower() for host in hosts]
        self.limits = limits
        self._resolve, self._is_public = resolve, is_public
        self._ports: tuple[int, ...] = tuple(PORTS.values())

    async def fetch(self, address: str, target: Path, where: str, most: int) -> None:
        """Saves the file at an address. Raises APIError, which does not repeat the address."""
        if not self.hosts:
            sentence = (
                f"{where}: this server fetches no addresses; send the file as a data URL or upload"
                " it to /v1/files."
            )
            raise APIError(400, sentence, code="remote_media_disabled", param=where)
        try:
            await asyncio.to_thread(self._fetch, address, target, most)
        except Refused as refused:
            sentence = f"{where} was not fetched: {refused}."
            raise APIError(400, sentence, code="remote_media_refused", param=where) from None
        except (OSError, http.client.HTTPException, ValueError):
            sentence = f"{where} could not be fetched; send the file itself."
            raise APIError(422, sentence, code="remote_media_failed", param=where) from None

    def _fetch(self, address: str, target: Path, most: int) -> None:
        deadline = time.monotonic() + self.limits.fetch_seconds
        for _ in range(HOPS):
            connection, path = self._connect(address)
            try:
                headers = {"User-Agent": "revisit", "Accept": "video/*,image/*,*/*;q=0.1"}
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                if response.status in REDIRECTS:
                    address = urljoin(address, response.headers.get("Location", ""))
                    continue
                if response.status != 200:
                    raise Refused(f"its host answered with status {response.status}")
                _save(response, target, most, deadline)
                return
            finally:
                connection.close()
        raise Refused(f"it redirects more than {HOPS - 1} times")

    def _connect(self, address: str) -> tuple[http.client.HTTPConnection, str]:
        """Returns a connection to a checked IP address of the host, and the path to request."""
        if any(ord(c) <= 32 or ord(c) > 126 for c in address):
            raise Refused("its address has characters that must be encoded")
        url = urlsplit(address)
        host, port = self._checked(url)
        addresses = self._resolve(host, port)
        if not addresses or not all(self._is_public(found) for found in addresses):
            raise Refused("its host is not on the public internet")
        pinned = addresses[0]
        kind = _PinnedHTTPS if url.scheme == "https" else _Pinned
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return kind(host, port, pinned), path

    def _checked(self, url: SplitResult) -> tuple[str, int]:
        if url.scheme not in PORTS:
            raise Refused("only http and https addresses are fetched")
        if url.username or url.password or "\\" in url.netloc:
            raise Refused("its address has a user name in it")
        host = (url.hostname or "").rstrip(".").lower()
        port = url.port or PORTS[url.scheme]
        named = any(
            host == allowed or (allowed.startswith(".") and host.endswith(allowed))
            for allowed in self.hosts
        )
        if not named:
            raise Refused("its host is not allowed here")
        if port not in self._ports:
            raise Refused("its port is not 80 or 443")
        return host, port


class _Pinned(http.client.HTTPConnection):
    """Connects to an address that was checked, whatever the name resolves to by now."""

    def __init__(self, host: str, port: int, pinned: str) -> None:
        super().__init__(host, port, timeout=SLOWEST)
        self.pinned = pinned

    def connect(self) -> None:
        self.sock = socket.create_connection((self.pinned, self.port), self.timeout)


class _PinnedHTTPS(_Pinned):
    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def _save(response: http.client.HTTPResponse, target: Path, most: int, deadline: float) -> None:
    with target.open("wb") as file:
        done = 0
        while piece := response.read1(PIECE):
            done += len(piece)
            if done > most:
                raise Refused(f"it exceeds {most / 2**20:.0f} MB")
            if time.monotonic() > deadline:
                raise Refused("it took too long")
            file.write(piece)
