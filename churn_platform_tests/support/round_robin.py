"""A proxy before several hosts, which gives each connection to the next of them."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle

AT_ONCE = 65_536


@contextmanager
def round_robin(ports: Sequence[int]) -> Iterator[int]:
    """The port of the proxy; the hosts listen on loopback."""
    turns = cycle(ports)

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", next(turns))) as host:
                answering = threading.Thread(target=_pass_on, args=(host, self.request))
                answering.start()
                _pass_on(self.request, host)
                answering.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on what one says until it has said all."""
    with suppress(OSError):
        while content := source.recv(AT_ONCE):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)
