"""A CRM on loopback, as far as the page's card has to do with it: a page with a frame."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template

PAGE = Template(
    '<!doctype html><html lang="en"><title>CRM</title><h1>CRM</h1>'
    '<iframe title="Retention" src="$address"></iframe></html>'
)


@contextmanager
def crm(address: str) -> Iterator[str]:
    """The origin of a CRM that shows what is at `address` in a frame; each has one of its own."""
    shown = PAGE.substitute(address=address).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
