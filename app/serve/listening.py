"""Listening sockets, opened before a model is loaded: nobody takes the port meanwhile."""

import socket


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket. Raises ValueError if the port cannot be used.

    The protocol is named because asyncio sets TCP_NODELAY only then: without it each answer on a
    kept connection waits 40 ms for the client's acknowledgment.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"--port is {port}; it must be 0 (any free port) to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise ValueError(f"cannot listen on {host} port {port}: {reason}.") from None
    return listening


def listen_near(host: str, wanted: int, tries: int = 20) -> socket.socket:
    """Returns a socket that listens on the wanted port or the next free one; 0 takes any.

    Raises ValueError if none of `tries` ports is free.
    """
    for port in range(wanted, min(wanted + tries, 65536)) if wanted else [0]:
        try:
            return listen(host, port)
        except ValueError:
            continue
    raise ValueError(
        f"no free port from {wanted} to {wanted + tries - 1} on {host}; choose another with --port."
    )
