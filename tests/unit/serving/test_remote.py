"""Remote media come from named hosts on the public internet, at every hop, or not at all."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.serve.errors import APIError
from app.serve.limits import ServeLimits
from app.serve.media.remote import Fetcher, is_public

PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


class Handler(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        Handler.asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 5000)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def fetcher(port: int, hosts: tuple[str, ...], answers: list[list[str]]) -> Fetcher:
    """Resolves every name to the next of `answers`; the test's server counts as public."""

    def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0) if answers else ["127.0.0.1"]

    found = Fetcher(hosts, ServeLimits(), resolve, lambda ip: ip == "127.0.0.1")
    found._ports = (port, 80, 443)
    return found


def fetch(found: Fetcher, address: str, target: Path, most: int = 10_000) -> None:
    import asyncio

    asyncio.run(found.fetch(address, target, "messages[0].content[0]", most))


def test_a_named_host_is_fetched_through_its_redirects(port: int, tmp_path: Path) -> None:
    own = fetcher(port, ("media.example", ".cdn.example"), [])
    fetch(own, f"http://media.example:{port}/film", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"x" * 5000
    hop = f"http://media.example:{port}/to/http://a.cdn.example:{port}/film"
    fetch(own, hop, tmp_path / "b")
    assert (tmp_path / "b").stat().st_size == 5000


REFUSED = [
    "http://other.example:{port}/film",
    "http://media.example.evil.example:{port}/film",
    "http://media.example@other.example:{port}/film",
    "http://media.example:22/film",
    "http://media.example:{port}/to/http://other.example:{port}/film",
    "http://media.example:{port}/to/file:///etc/passwd",
    "http://media.example:{port}/to/http://2130706433:{port}/film",
    "file:///etc/passwd",
    "ftp://media.example/film",
    "gopher://media.example/film",
    "http://127.0.0.1:{port}/film",
    "http://0x7f.1:{port}/film",
    "http://[::ffff:127.0.0.1]:{port}/film",
    "http://media.example:{port}/fi\r\nlm",
]


@pytest.mark.parametrize("address", REFUSED)
def test_other_addresses_are_refused_without_a_word_about_them(
    port: int, tmp_path: Path, address: str
) -> None:
    Handler.asked.clear()
    with pytest.raises(APIError) as refused:
        fetch(fetcher(port, ("media.example",), []), address.format(port=port), tmp_path / "a")
    assert refused.value.code in ("remote_media_refused", "remote_media_failed")
    assert "example" not in refused.value.message
    assert all(path.startswith("/to/") for path in Handler.asked), "nothing behind it was asked"


def test_a_host_that_resolves_to_a_private_address_is_refused(port: int, tmp_path: Path) -> None:
    Handler.asked.clear()
    for answers in ([["10.0.0.1"]], [["127.0.0.1", "10.0.0.1"]], [[]]):
        own = fetcher(port, ("media.example",), answers)
        with pytest.raises(APIError):
            fetch(own, f"http://media.example:{port}/film", tmp_path / "a")
    hop = f"http://media.example:{port}/to/http://media.example:{port}/film"
    rebound = fetcher(port, ("media.example",), [["127.0.0.1"], ["169.254.169.254"]])
    with pytest.raises(APIError):  # the name resolves to another address at the second hop
        fetch(rebound, hop, tmp_path / "a")
    assert Handler.asked == [hop[hop.index("/to/") :]]


def test_a_file_beyond_the_limit_is_given_up(port: int, tmp_path: Path) -> None:
    with pytest.raises(APIError, match="exceeds"):
        fetch(fetcher(port, ("m.example",), []), f"http://m.example:{port}/", tmp_path / "a", 4000)


def test_without_named_hosts_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(APIError, match="fetches no addresses"):
        fetch(Fetcher((), ServeLimits()), "https://example.org/film.mp4", tmp_path / "a")
