"""Local users: names, roles and hashed passwords in a file that its owner alone may read."""

import hashlib
import hmac
import secrets
from pathlib import Path

import msgspec

from serving.errors import ServiceSettingsError
from serving.page.roles import ROLES
from serving.storage.private_files import private_folder, write_privately

# scrypt as OWASP advises it for interactive sign-in: 16 MB and some 50 ms a try.
COST, BLOCKS, LANES = 1 << 14, 8, 1
PASSWORD_CHARACTERS_MIN = 10


class User(msgspec.Struct, frozen=True):
    """A local user."""

    name: str
    roles: tuple[str, ...]
    salt: bytes
    password_hash: bytes


def read_users(path: Path) -> dict[str, User]:
    """The users of a file by name; none without a file."""
    if not path.exists():
        return {}
    try:
        users = msgspec.json.decode(path.read_bytes(), type=list[User])
    except msgspec.MsgspecError as error:
        raise ServiceSettingsError(
            f"{path}: is not a file of users: {error}; remove it and make the users again"
        ) from error
    return {user.name: user for user in users}


def put_user(path: Path, name: str, password: str, roles: tuple[str, ...]) -> None:
    """Add a user, or replace one of that name."""
    if unknown := set(roles) - set(ROLES):
        raise ServiceSettingsError(
            f"no role {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}"
        )
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise ServiceSettingsError(f"a password has at least {PASSWORD_CHARACTERS_MIN} characters")
    salt = secrets.token_bytes(16)
    users = read_users(path) | {name: User(name, roles, salt, _hashed(password, salt))}
    private_folder(path.parent)
    write_privately(path, msgspec.json.encode(list(users.values())))


def checked(path: Path, name: str, password: str) -> User | None:
    """The user if the password is right; an unknown name takes as long as a wrong password."""
    user = read_users(path).get(name)
    given = _hashed(password[:1000], user.salt if user else b"no one's salt...")
    if user and hmac.compare_digest(given, user.password_hash):
        return user
    return None


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCKS, p=LANES)
