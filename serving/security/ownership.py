"""What one service has for itself on a machine: its state folder, its port and its workers."""

import contextlib
import errno
import fcntl
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from serving.errors import ServiceSettingsError
from serving.settings import PREFIX
from serving.storage.private_files import own_folder

LOCK_FILE = "service.lock"
DESCRIPTORS_WANTED = 8192
DESCRIPTORS_RESERVED = 256  # for keys, bundles, look-ups, logs and the server itself
CONNECTIONS_LEAST = 64
CONNECTIONS_MOST = 1024  # over all workers
STARTED_BY = os.getpid()  # kept by a fork


@contextlib.contextmanager
def state_claimed(folder: Path, *, prefix: str = PREFIX) -> Iterator[None]:
    """Keep the state folder from other services meanwhile; ServiceSettingsError if one has it,
    or it cannot be written.
    """
    # Workers hold it as well, so that it is free when the last of them has ended.
    try:
        own_folder(folder)
        lock = (folder / LOCK_FILE).open("a+")
    except OSError as error:
        raise ServiceSettingsError(
            f"{prefix}STATE_DIR={folder} cannot be written: {error}"
        ) from error

    with lock:
        try:
            # Workers inherit the lock, so the folder is free only once the last of them has ended.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ServiceSettingsError(
                f"process {lock.read() or 'unknown'} serves from {folder}; stop it, or "
                f"set {prefix}STATE_DIR"
            ) from None

        _name_holder(folder / LOCK_FILE)
        yield


def check_port(host: str, port: int, *, prefix: str = PREFIX) -> None:
    """ServiceSettingsError if no one may listen there, or somebody does already. `host` is an IP
    address.
    """
    # The workers share the port (SO_REUSEPORT), so that they themselves would not notice another
    # service.
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the server does: connections of the last service that still close are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServiceSettingsError(
                    f"port {port} is taken; stop what listens there, or set {prefix}PORT"
                ) from error
            raise ServiceSettingsError(
                f"cannot listen on {prefix}HOST={host}, {prefix}PORT={port}: {error.strerror}"
            ) from error


@contextlib.contextmanager
def port_claimed(host: str, port: int, *, prefix: str = PREFIX) -> Iterator[None]:
    """Keep the port from other services meanwhile; ServiceSettingsError if one has it or no one may
    listen.
    """
    # Two services that start at once both find the port free, and would then share it. A name in
    # Linux's abstract namespace can be bound once, and the system frees it however its process
    # ends.
    check_port(host, port, prefix=prefix)
    with socket.socket(socket.AF_UNIX) as claim:
        if sys.platform == "linux":
            try:
                claim.bind(f"\0churn-serving-{host}-{port}")
            except OSError as error:
                raise ServiceSettingsError(
                    f"port {port} is taken by a service that starts; stop it, or set {prefix}PORT"
                ) from error

        yield


def connections_allowed(workers: int) -> int:
    """How many connections a worker may hold, below its file descriptors; raises their limit first.

    A worker without a free descriptor reads neither keys nor bundles, and refuses everybody.
    ServiceSettingsError if the system allows too few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_WANTED if hard == resource.RLIM_INFINITY else min(DESCRIPTORS_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted

    left = DESCRIPTORS_WANTED if soft == resource.RLIM_INFINITY else soft - DESCRIPTORS_RESERVED
    if left < CONNECTIONS_LEAST:
        least = DESCRIPTORS_RESERVED + CONNECTIONS_LEAST
        raise ServiceSettingsError(
            f"a process may open {soft} files here, and a worker needs {least}; raise it with "
            f"`ulimit -n {DESCRIPTORS_WANTED}` or LimitNOFILE of the service manager"
        )

    return max(CONNECTIONS_LEAST, min(left, CONNECTIONS_MOST // workers))


def end_with_parent(poll_seconds: float = 1.0) -> None:
    """Let this process end as by SIGTERM once the one that started it is gone: a killed service
    leaves no workers.

    Also where that was before this call: a fork still knows its parent, a process that was spawned
    asks.
    """
    parent = STARTED_BY if os.getpid() != STARTED_BY else os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(poll_seconds)
        # As a stop by hand: the worker finishes its requests and closes its log segment.
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(
        target=watch,
        name="end-with-parent",
        daemon=True,
    ).start()


def _name_holder(path: Path) -> None:
    """Say who has the lock, for the message to others; a full disk keeps no one from starting."""
    with contextlib.suppress(OSError):
        path.write_text(str(os.getpid()))
