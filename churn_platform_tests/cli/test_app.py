"""What every command shares: text is printed as it stands, and an error is one line."""

import io
import time

import duckdb
import pytest
import typer
from rich.table import Table

from churn_platform.cli.app import literal_console, main
from churn_platform.cli.failures import as_ours
from churn_platform.published.format import LIVE_FILE

ODD = ["[/x]", "[red]x", ":smile:"]


@pytest.mark.parametrize("name", ODD)
def test_an_error_quotes_what_was_given(refusal, name):
    """A name that looks like markup or an emoji is shown whole."""
    assert refusal("run", name).startswith(f"no portfolio {name!r}; there are telecomit, ")


@pytest.mark.parametrize("name", ODD)
def test_text_is_printed_as_it_stands(name):
    """In a line, a heading and a table alike."""
    console = literal_console(io.StringIO())
    table = Table(name)
    table.add_row(name)
    console.print(name)
    console.rule(name)
    console.print(table)
    assert console.file.getvalue().count(name) == 4


def test_a_subcommand_called_as_a_function_ends_with_its_code(capsys):
    """What is wrong is told already, and a traceback would say that something else is."""

    def refused() -> None:
        raise typer.Exit(1)

    with pytest.raises(SystemExit) as ended:
        main(refused)
    assert ended.value.code == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_store_of_models_is_told(refusal, settings):
    """The message names the store, its fault and the setting."""
    settings.root.mkdir()
    (settings.root / "mlflow.db").write_bytes(b"no database" * 100)
    told = refusal("models", "telecomit")
    assert told.startswith(f"MLflow at sqlite:///{settings.root}/mlflow.db does not answer: ")
    assert "file is not a database; start or restore it, or set CHURN_MLFLOW_TRACKING_URI" in told


@pytest.fixture
def impatient(monkeypatch):
    """What the command sets in the environment goes when the test ends."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("uri", "fault"), [("http://127.0.0.1:1", "Connection refused"), ("nonsense", "file")]
)
def test_a_store_of_models_that_does_not_answer_is_told_soon(refusal, monkeypatch, uri, fault):
    """Seconds instead of two minutes."""
    monkeypatch.setenv("CHURN_MLFLOW_TRACKING_URI", uri)
    begun = time.monotonic()
    told = refusal("models", "telecomit")
    assert told.startswith(f"MLflow at {uri} does not answer: ")
    assert fault in told
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("content", [b"{", b'{"portfolio": 1}', b'{"portfolio": "\xff"}'])
def test_a_damaged_live_file_is_told(refusal, settings, tracking, monkeypatch, content):
    """Cut short, of another shape, or not text."""
    monkeypatch.setenv("CHURN_MLFLOW_TRACKING_URI", tracking.tracking_uri)
    tracking.client()  # makes the store
    path = settings.published_dir / "telecomit" / LIVE_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for command in (("explain", "telecomit", "T1"), ("champion", "telecomit")):
        assert refusal(*command).startswith(f"{path} is damaged: ")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CHURN_DATA_DIR", "/dev/null/x", "/dev/null is no folder"),
        ("CHURN_DUCKDB_MEMORY_LIMIT", "lots", "write a number and a unit, for example 8GB"),
    ],
)
def test_an_unusable_setting_is_told(refusal, monkeypatch, name, value, told):
    """Before any library meets it."""
    monkeypatch.setenv(name, value)
    message = refusal("result", "telecomit")
    assert message.startswith(f"setting not usable: {name}={value!r}: ")
    assert told in message


def test_a_spec_that_cannot_be_read_is_told(refusal, tmp_path):
    """A folder under the name of a spec, and bytes that are no UTF-8."""
    spec = tmp_path / "portfolios" / "a.yaml"
    spec.mkdir(parents=True)
    assert refusal("result", "telecomit").startswith("portfolios/a.yaml: cannot be read: ")
    spec.rmdir()
    spec.write_bytes(b"name: caf\xe9")
    assert "save it as UTF-8 text" in refusal("result", "telecomit")


def test_files_that_are_not_there_are_told(settings):
    """A path of the user's and a file of the lake, with the path and advice."""
    with pytest.raises(OSError) as missing:
        (settings.root / "no" / "x.html").write_bytes(b"")
    assert str(as_ours(missing.value)).startswith(
        f"{settings.root}/no/x.html: No such file or directory; check "
    )
    with pytest.raises(duckdb.IOException) as lost:
        duckdb.execute("from read_parquet('/nowhere/x.parquet')")
    assert "/nowhere/x.parquet" in str(as_ours(lost.value))
    assert str(as_ours(lost.value)).endswith(
        "names damaged files of the lake and the command that heals each"
    )


def test_a_defect_keeps_its_traceback():
    """What no user can mend is no message."""
    assert as_ours(KeyError("x")) is None
    assert as_ours(duckdb.ParserException("x")) is None
