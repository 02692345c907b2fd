"""Starts compose.yaml by processes, or runs one command as a service of it.

python -m deploy.compose.processes up
python -m deploy.compose.processes run demo
python -m deploy.compose.processes run ui churn-ui users add --name ann --role agent
"""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.compose.processes.compose_file import read_services
from deploy.compose.processes.images import PUBLISHED_ON as HERE
from deploy.compose.processes.images import search_path
from deploy.compose.processes.places import Places, loopback_addresses
from deploy.compose.processes.running import Stack, StackError, up

SOURCE = Path(__file__).parents[1]
STATE = Path("data/bench/compose-state")
PERSON = "ann"
POLL_SECONDS = 1.0


def main() -> int:
    """Do what the command line says; 1 and the reason where a service fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, default=STATE, help="Folder of volumes and logs.")
    parser.add_argument(
        "--published-on", default=HERE, help="Address of loopback for what compose publishes."
    )
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("up", help="Start everything, and stop it at Ctrl-C.")
    run = commands.add_parser("run", help="Run a service's command, or another one, to its end.")
    run.add_argument("service")
    run.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    stack = stack_in(given.state, given.published_on)
    if given.what == "run":
        return stack.run(given.service, given.command)
    # Also where a shell has started this in the background, which then ignores Ctrl-C.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.default_int_handler)
    stack.say = lambda line: print(line, flush=True)
    try:
        with up(stack):
            tell(stack)
            wait_for_an_end(stack)
    except KeyboardInterrupt:
        print("stopped")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def stack_in(state: Path, published_on: str = HERE) -> Stack:
    """The stack whose volumes and secrets are in a folder; makes the secrets it has not yet."""
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    site = "localhost" if published_on == HERE else published_on
    services = read_services(SOURCE / "compose.yaml", os.environ | {"SITE": site})
    places = Places(state, SOURCE, loopback_addresses(services, state))
    make_secrets(state)
    return Stack(services, places, published_on)


def make_secrets(state: Path) -> None:
    """Run the delivered script in the stack's folder, and name a person for Dagster's UI."""
    folder = state / "compose"
    folder.mkdir(exist_ok=True)
    script = folder / "make_secrets.sh"
    script.write_text((SOURCE / "make_secrets.sh").read_text())
    subprocess.run(["sh", str(script)], check=True, stderr=subprocess.DEVNULL)
    users = folder / "secrets" / "sign_in_users"
    if not users.exists():
        password = secrets.token_urlsafe(16)
        password_file(state).write_text(password + "\n")
        password_file(state).chmod(0o600)
        hashed = subprocess.run(
            ["caddy", "hash-password"],
            check=True,
            env={"PATH": search_path()},
            input=password + "\n",
            capture_output=True,
            text=True,
        )
        users.write_text(f"{PERSON} {hashed.stdout.strip()}\n")


def password_file(state: Path) -> Path:
    """Where the password of the person is."""
    return state / "compose" / "secrets" / f"{PERSON}.password"


def tell(stack: Stack) -> None:
    """Say what is where."""
    for reason in stack.left_out.values():
        print(f"left out: {reason}")
    state, site = stack.places.state, stack.services["proxy"].environment["SITE"]
    print(
        f"the page     https://{site}:8443\n"
        f"the service  https://{site}:8444\n"
        f"Dagster      https://{site}:8445  sign in as {PERSON}, with the password in\n"
        f"             {password_file(state)}\n"
        f"Prometheus   http://{stack.places.addresses['prometheus']}:9090\n"
        f"logs         {state / 'logs'}\n"
        "Ctrl-C stops all of it; the volumes stay.",
        flush=True,
    )


def wait_for_an_end(stack: Stack) -> None:
    """Return never; StackError once a service ends that should not."""
    while not stack.ended():
        time.sleep(POLL_SECONDS)
    name, code = next(iter(stack.ended().items()))
    raise StackError(f"{name} ended with {code}; its log is {stack.log(name)}")


if __name__ == "__main__":
    sys.exit(main())
