"""Sends one batch over and over until it is killed: python send_batches.py PORT FILE."""

import http.client
import sys
from pathlib import Path


def main(port: int, body: bytes) -> None:
    """Send for ever, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        connection.request("POST", "/predict/batch", body, {"Content-Type": "application/json"})
        connection.getresponse().read()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
