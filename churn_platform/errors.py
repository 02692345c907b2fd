"""The one tree of errors: each message names the thing, the value and what to do next."""

from datetime import date


class ChurnError(Exception):
    """Base of every error that the platform raises on purpose; the command line prints it without a
    traceback.
    """


class SettingsError(ChurnError):
    """A setting is missing or unusable."""


class StoreError(ChurnError):
    """A folder or object store cannot be used; the message names its location and setting."""


class StoreUnreachableError(StoreError):
    """A store does not answer; it goes on by itself once the store is back."""


class StoreRefusedError(StoreError):
    """A store refuses a request: a wrong key, no such bucket, or no right."""


class NoSuchObjectError(StoreError):
    """A store has no object under a key."""


class ObjectExistsError(StoreError):
    """An object was to be created, and its key is taken."""


class ObjectChangedError(StoreError):
    """An object is not what it was when it was read, so it was not replaced."""


class SmokeError(ChurnError):
    """A deployed service does not do what it should."""


class StreamError(ChurnError):
    """A broker of events, or the service that takes them, cannot do its part now. The stream waits
    and tries again.
    """


class RefusedEventError(ChurnError):
    """An event is not one that the service can take, now or later; it is set aside with the
    reason.
    """


class SpecError(ChurnError):
    """A portfolio spec cannot be read or contradicts itself."""


class LandingError(ChurnError):
    """A landed file breaks its contract; nothing of it is loaded and the month before it stays."""


class SourceError(ChurnError):
    """An operator's own database or file cannot be read; what has landed stays as it was."""


class SourceUnreachableError(SourceError):
    """A source does not answer; reading it again later may work."""


class MappingError(SourceError):
    """What a source holds is not what the spec's mapping says; the message names column, value and
    line. `key` is the column or the part of `from` that is to be corrected.
    """

    def __init__(self, message: str, key: str = ""):
        super().__init__(message)
        self.key = key


class WarehouseBusyError(ChurnError):
    """The warehouse catalog stayed locked for longer than the configured wait."""


class WarehouseError(ChurnError):
    """The warehouse cannot be opened or lacks what was asked of it."""


class CatalogUnreachableError(WarehouseError):
    """The warehouse's catalog does not answer; it goes on by itself once the database is back."""


class UnreadableMonthError(WarehouseError):
    """A month of a table cannot be deleted because a file of it cannot be read."""

    def __init__(self, table: str, month: date):
        super().__init__(
            f"a file of {table} of {month:%Y-%m} cannot be read; `churn check-lake` says which"
        )
        self.table = table
        self.month = month


class RelocationError(ChurnError):
    """A data folder was moved, and addresses in it lead to the place that it came from."""


class BackupError(ChurnError):
    """A back-up cannot be made, found or restored."""


class DataError(ChurnError):
    """A table does not hold what a step needs: no rows, a wrong type, a value outside the
    catalogue.
    """


class TrainingError(ChurnError):
    """A model cannot be fitted on the data at hand."""


class PublicationError(ChurnError):
    """A bundle failed its checks and was not published; what was live stays live."""


class WebhookError(ChurnError):
    """The receiver of a webhook did not take what was sent; nothing is on record as sent."""


class ErasureError(ChurnError):
    """A customer cannot be erased, or is still to be found somewhere; the erasure is not recorded
    as done.
    """


class AuditError(ChurnError):
    """The audit trail cannot be read or written, or contradicts what is; nothing was recorded."""


class ExperimentError(ChurnError):
    """An experiment cannot be started, or not take the step that was asked; it stays as it is."""


class PromotionError(ChurnError):
    """A version cannot become champion; who is champion and what is live stay as they are."""
