"""`churn-ui`: runs the page. `churn-ui users ...`: makes and lists local users. `churn-ui demo`:
runs service and page with a demo user.
"""

import argparse
import getpass
import logging.config
import os
import sys
from collections.abc import Callable

from serving.errors import ServiceSettingsError
from serving.logs import log_config
from serving.page.roles import ROLES
from serving.page.settings import PREFIX, PageSettings, load_settings
from serving.page.users import put_user, read_users
from serving.security.ownership import port_claimed, state_claimed


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 and one line on standard error where it cannot."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        if parsed.command == "users":
            _users(parsed, settings)
        elif parsed.command == "demo":
            from serving.page.demo import run_demo

            run_demo(settings)
        else:
            serve(settings)
    except ServiceSettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def serve(settings: PageSettings, *, prepare: Callable[[], None] = lambda: None) -> None:
    """Run the page until a signal. One process: it writes one log.

    prepare: done before, and only if no other process serves from the same folder.
    """
    check_exposure(settings)
    os.umask(0o077)  # what it writes tells of customers
    with (
        state_claimed(settings.state_dir, prefix=PREFIX),
        port_claimed(settings.host, settings.port, prefix=PREFIX),
    ):
        prepare()
        from granian import Granian
        from granian.constants import HTTPModes, Interfaces

        logging.config.dictConfig(log_config("INFO"))
        Granian(
            "serving.page.app:create_worker",
            factory=True,
            address=settings.host,
            port=settings.port,
            workers=1,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            log_dictconfig=log_config("INFO"),
            respawn_failed_workers=True,
        ).serve()


def check_exposure(settings: PageSettings) -> None:
    """ServiceSettingsError if passwords and customers would go over a network in clear."""
    if not settings.is_loopback and not settings.secure_cookie:
        raise ServiceSettingsError(
            f"PAGE_HOST={settings.host} can be reached from the network; put a proxy with TLS "
            "before it and set PAGE_SECURE_COOKIE=true"
        )


def _users(parsed: argparse.Namespace, settings: PageSettings) -> None:
    if parsed.action == "list":
        for user in read_users(settings.users_file).values():
            print(f"{user.name}\t{','.join(user.roles)}")
        return
    # Read, not given as an option: a command line is seen by everybody on the machine.
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    put_user(settings.users_file, parsed.name, password, tuple(parsed.role))
    print(f"{parsed.name} may sign in as {', '.join(parsed.role)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="churn-ui", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the page (the default)")
    commands.add_parser("demo", help="run service and page with a demo user")
    users = commands.add_parser("users", help="local users").add_subparsers(
        dest="action", required=True
    )
    add = users.add_parser("add", help="make a user; the password is read from standard input")
    add.add_argument("--name", required=True)
    add.add_argument("--role", required=True, action="append", choices=ROLES, help="repeatable")
    users.add_parser("list", help="names and roles")
    return parser


if __name__ == "__main__":
    sys.exit(main())
