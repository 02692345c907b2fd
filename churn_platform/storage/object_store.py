"""A store behind an address, by obstore: S3 and what speaks its protocol, Google's, Azure's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import obstore
from obstore import exceptions
from obstore.store import from_url

from churn_platform.errors import (
    NoSuchObjectError,
    ObjectChangedError,
    ObjectExistsError,
    StoreError,
    StoreRefusedError,
    StoreUnreachableError,
)
from churn_platform.masking import hide
from churn_platform.storage.atomic_file import new_file
from churn_platform.storage.location import bucket_of
from churn_platform.storage.options import StoreOptions
from churn_platform.storage.store import (
    Content,
    Mode,
    Store,
    StoredObject,
    checked_key,
    checked_prefix,
)

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore as Client

# obstore has one class for what a list request meets, so only the text tells these apart.
NO_BUCKET = ("NoSuchBucket", "NoSuchContainer")
REFUSED = ("403 Forbidden", "401 Unauthorized", "AccessDenied")
CODE = re.compile("<Code>(.+?)</Code>")  # in an answer of S3
PARTS_AT_ONCE = 4  # of 5 MB each; more only take the line from each other
LONGEST_TRANSFER = timedelta(hours=2)


class ObjectStore(Store):
    """Objects of a bucket, below a prefix."""

    def __init__(self, client: "Client", location: str, options: StoreOptions, setting: str):
        super().__init__(location, setting)
        self._client = client
        self._options = options

    def get(self, key: str, *, if_none_match: str | None = None) -> Content | None:
        options = {"if_none_match": if_none_match} if if_none_match else None
        with self._told(key):
            try:
                found = obstore.get(self._client, checked_key(key), options=cast(Any, options))
                return Content(bytes(found.bytes()), _tag(found.meta))
            except exceptions.NotModifiedError:
                return None

    def get_start(self, key: str, length: int) -> bytes:
        with self._told(key):
            found = obstore.get(self._client, checked_key(key))
            # An answer in parts, of which the rest is never asked for: a range would be an error
            # for an empty object.
            start = b""
            for part in found.stream(min_chunk_size=length):
                start += bytes(part)
                if len(start) >= length:
                    break
            return start[:length]

    def put(
        self, key: str, data: bytes, *, mode: Mode = "replace", if_match: str | None = None
    ) -> str:
        return self._put(key, data, mode=mode, if_match=if_match)

    def upload(self, source: Path, key: str, *, mode: Mode = "replace") -> str:
        return self._put(key, source, mode=mode)

    def head(self, key: str) -> StoredObject | None:
        with self._told(key):
            try:
                return _object(obstore.head(self._client, checked_key(key)))
            except FileNotFoundError:
                return None

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        with self._told(prefix):
            for page in obstore.list(self._client, checked_prefix(prefix) or None):
                yield from map(_object, page)

    def delete(self, *keys: str) -> None:
        if not keys:
            return
        with self._told(keys[0]):
            try:
                obstore.delete(self._client, [checked_key(key) for key in keys])
            except FileNotFoundError:
                # Not every store removes an object that is not there without a word.
                self._delete_one_by_one(keys)

    def _delete_one_by_one(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            try:
                obstore.delete(self._client, key)
            except FileNotFoundError:
                continue

    def download(self, key: str, target: Path) -> str:
        with self._told(key):
            found = obstore.get(self._client, checked_key(key))
            with new_file(target) as draft, draft.open("wb") as file:
                for part in found.stream():
                    file.write(part)
            return _tag(found.meta)

    def _put(
        self, key: str, content: bytes | Path, *, mode: Mode, if_match: str | None = None
    ) -> str:
        how: Any = {"replace": "overwrite", "create": "create"}[mode]
        if if_match is not None:
            how = {"e_tag": if_match}
        with self._told(key):
            written = obstore.put(
                self._client,
                checked_key(key),
                content,
                mode=how,
                max_concurrency=PARTS_AT_ONCE,
            )
        return written["e_tag"] or ""

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Say of an error of obstore which object, location and setting it is about."""
        try:
            yield
        except (exceptions.BaseError, OSError, ValueError) as error:
            self._raise(error, key)

    def _raise(self, error: Exception, key: str) -> NoReturn:
        name = f"{key or 'the list'} in {self._place()}"
        text = hide(str(error), self._options.secrets())
        if isinstance(error, exceptions.AlreadyExistsError):
            raise ObjectExistsError(f"{name} exists already") from None
        if isinstance(error, exceptions.PreconditionError):
            raise ObjectChangedError(
                f"{name} is not what it was when it was read; read it again"
            ) from None
        if any(sign in text for sign in NO_BUCKET):
            raise StoreRefusedError(
                f"{self._place()} has no bucket {bucket_of(self.location)}; make it, "
                f"or correct {self.setting} or CHURN_STORE_ENDPOINT"
            ) from None
        if isinstance(error, FileNotFoundError):
            raise NoSuchObjectError(f"{name} does not exist") from None
        if _is_refused(error, text):
            raise StoreRefusedError(
                f"{self._place()} refused {key or 'to list'}: {_reason(text)}; check "
                f"CHURN_STORE_KEY_ID, CHURN_STORE_SECRET_KEY and the bucket in {self.setting}"
            ) from None
        if isinstance(error, exceptions.GenericError):
            raise StoreUnreachableError(
                f"{self._place()} does not answer: {_reason(text)}; check CHURN_STORE_ENDPOINT "
                f"and CHURN_STORE_SSL, and whether the store is up, and run again"
            ) from None
        raise StoreError(f"{name}: {_reason(text)}") from None

    def _place(self) -> str:
        endpoint = self._options.endpoint_url
        return f"{self.location} ({self.setting})" + (f" at {endpoint}" if endpoint else "")


def open_url(url: str, options: StoreOptions, setting: str) -> ObjectStore:
    """The store of an address. Nothing is asked of it before the first call."""
    given: dict[str, Any] = {
        "client_options": {
            # Of each wait for bytes: one of a whole request would end a large
            # transfer that goes well.
            "read_timeout": timedelta(seconds=options.timeout_seconds),
            "timeout": LONGEST_TRANSFER,
            "connect_timeout": timedelta(seconds=min(options.timeout_seconds, 5)),
            "allow_http": not options.use_ssl,
        },
        "retry_config": {
            "max_retries": options.retries,
            "retry_timeout": timedelta(seconds=options.timeout_seconds * (options.retries + 1)),
        },
    }
    if url.startswith("s3://"):
        given["config"] = _s3_config(url, options)
    try:
        client = from_url(url, **given)
    except (exceptions.BaseError, ValueError) as error:
        raise StoreError(f"{setting}={url}: {_reason(str(error))}") from None
    return ObjectStore(client, url, options, setting)


def _s3_config(url: str, options: StoreOptions) -> dict[str, Any]:
    config: dict[str, Any] = {
        "region": options.region,
        "virtual_hosted_style_request": options.style == "vhost",
    }
    if options.endpoint and options.style == "vhost":
        # obstore wants the bucket in the endpoint; DuckDB puts it there itself.
        scheme, _, host = options.endpoint_url.partition("://")
        config["endpoint"] = f"{scheme}://{bucket_of(url)}.{host}"
    elif options.endpoint:
        config["endpoint"] = options.endpoint_url
    credentials = {
        "access_key_id": options.key_id,
        "secret_access_key": options.secret_key,
        "session_token": options.session_token,
    }
    return config | {name: value for name, value in credentials.items() if value}


def _object(found: "ObjectMeta") -> StoredObject:
    return StoredObject(found["path"], found["size"], found["last_modified"], _tag(found))


def _tag(found: "ObjectMeta") -> str:
    return found["e_tag"] or ""


def _is_refused(error: Exception, text: str) -> bool:
    kinds = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
    return isinstance(error, kinds) or any(sign in text for sign in REFUSED)


def _reason(text: str) -> str:
    """What went wrong, of all that obstore says: the store's own code, or the line's last part."""
    if code := CODE.search(text):
        return code[1]
    line = text.partition("\n\nDebug source")[0].strip().replace("\n", " ")
    return line.rpartition(" - ")[2].rstrip(": ")
