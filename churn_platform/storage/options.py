"""How an object store is reached: one set of options for obstore here and for DuckDB's httpfs."""

from dataclasses import dataclass, field
from typing import Literal

UrlStyle = Literal["path", "vhost"]


@dataclass(frozen=True)
class StoreOptions:
    """Endpoint, credentials and patience of an `s3://` store.

    Without an endpoint it is AWS. Without a key the libraries look for credentials as AWS' own
    tools do: environment, profile, role of the machine. A `gs://` or `az://` store takes its
    account from its vendor's own variables, and only the patience from here.
    """

    endpoint: str = ""
    region: str = "us-east-1"
    url_style: UrlStyle | Literal[""] = ""
    use_ssl: bool = True
    key_id: str = ""
    # Not in `repr`: options are in tracebacks and in objects that are logged.
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    timeout_seconds: float = 30.0
    retries: int = 5

    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return tuple(secret for secret in (self.secret_key, self.session_token) if secret)

    @property
    def style(self) -> UrlStyle:
        """`path` puts the bucket behind the host, which servers of one's own want; AWS has it
        before the host.
        """
        return self.url_style or ("path" if self.endpoint else "vhost")

    @property
    def endpoint_url(self) -> str:
        """The endpoint with its scheme; empty for AWS."""
        return f"{'https' if self.use_ssl else 'http'}://{self.endpoint}" if self.endpoint else ""
