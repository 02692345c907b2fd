"""The OpenAPI document follows from the catalogue, and nothing that it allows breaks the service."""

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from churn_platform_tests.http.conftest import settings_in
from churn_platform_tests.serving.bundles import publish
from serving.app import create_app

EXAMPLES = 12


def test_request_schemas_are_the_catalogues(client):
    """Types, ranges, levels and descriptions of the features, and no other field; a boolean is one."""
    document = client.get("/schema/openapi.json").json()
    schema = document["components"]["schemas"]["tiny-predict"]
    assert set(schema["properties"]) == {"customer_id", "usage", "tickets", "is_late", "plan"}
    assert schema["additionalProperties"] is False
    assert schema["properties"]["usage"] == {
        "description": "Use. Also understood: the number as text. null, or a blank text, where it is not known.",
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 100,
    }
    assert schema["properties"]["tickets"]["type"] == "integer"
    assert schema["properties"]["is_late"]["type"] == "boolean"
    assert schema["properties"]["plan"]["enum"] == ["prepaid", "monthly", "yearly"]
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/tiny-predict"}


def test_the_interactive_page_asks_no_network(client):
    """The page and all it loads come from the service."""
    pytest.importorskip("swagger_ui")
    page = client.get("/docs")
    assert page.status_code == 200
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert [link for link in links if not link.startswith(("/schema/", "data:"))] == []
    assets = [link for link in links if link.startswith("/schema/")]
    assert len(assets) == 3
    assert {client.get(link).status_code for link in assets} == {200}


def test_no_request_breaks_the_service(tmp_path, booster):
    """Whatever schemathesis makes of the document, no answer of any operation is a server error."""
    publish(tmp_path / "published", booster)
    app = create_app(settings_in(tmp_path))
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", app)  # starts the application, and stops it
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            _ask(operation.as_strategy(generation_mode=mode))


def _ask(cases) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=cases)
    def asked(case) -> None:
        case.call_and_validate(checks=[not_a_server_error])

    asked()
