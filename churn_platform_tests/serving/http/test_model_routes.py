"""Models and reports as the service lists them."""

from churn_platform.published.format import model_dir


def test_models_are_listed_with_role_and_metrics(client, tmp_path):
    """The champion with its provenance; its card once there is one."""
    (shown,) = client.get("/models").json()["models"]
    assert (shown["version"], shown["role"], shown["metrics"], shown["card"]) == (
        1,
        "champion",
        {"auc": 0.8},
        None,
    )
    assert client.get("/models/1/card").status_code == 404
    (model_dir(tmp_path / "published" / "tiny", 1) / "model_card.html").write_text("<h1>card</h1>")
    assert client.get("/models").json()["models"][0]["card"] == "/tiny/models/1/card"
    assert client.get("/models/1/card").text == "<h1>card</h1>"


def test_models_are_listed_though_their_files_are_gone_or_broken(client, tmp_path):
    """What is in memory is told from memory; a bundle that cannot be read is left out and sinks
    nobody.
    """
    models = tmp_path / "published" / "tiny" / "models"
    (models / "2").mkdir()
    (models / "2" / "manifest.json").write_bytes(b'{"portfolio": "\xff"}')
    assert [model["version"] for model in client.get("/models").json()["models"]] == [1]
    models.rename(models.with_name("gone"))
    assert [model["version"] for model in client.get("/models").json()["models"]] == [1]


def test_the_newest_report_is_shown(client, tmp_path):
    """404 before there is one; then the newest month's, shut off from the service's own origin."""
    assert client.get("/view_report").status_code == 404
    for month in ("2025-01", "2025-02"):
        folder = tmp_path / "published" / "tiny" / "reports" / month
        folder.mkdir(parents=True)
        (folder / "drift.html").write_text(month)
    response = client.get("/view_report")
    assert (response.text, response.headers["content-type"]) == (
        "2025-02",
        "text/html; charset=utf-8",
    )
    assert response.headers["content-security-policy"].startswith("sandbox")
