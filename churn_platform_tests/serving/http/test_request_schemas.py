"""Schemas of request bodies are those of the catalogue."""


def test_request_schemas_are_the_catalogues(client):
    """Types, ranges, levels and descriptions of the features, and no other
    field; a boolean is one.
    """
    document = client.get("/schema/openapi.json").json()
    schema = document["components"]["schemas"]["tiny-predict"]
    assert set(schema["properties"]) == {"customer_id", "usage", "tickets", "is_late", "plan"}
    assert schema["additionalProperties"] is False
    assert schema["properties"]["usage"] == {
        "description": (
            "Use. Also understood: the number as text. "
            "null, or a blank text, where it is not known."
        ),
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 100,
    }
    assert schema["properties"]["tickets"]["type"] == "integer"
    assert schema["properties"]["is_late"]["type"] == "boolean"
    assert schema["properties"]["plan"]["enum"] == ["prepaid", "monthly", "yearly"]
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert body == {"$ref": "#/components/schemas/tiny-predict"}
