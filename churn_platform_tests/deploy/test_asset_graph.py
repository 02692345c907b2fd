"""The picture of the graph on the site: all assets, all lines, and nothing from elsewhere."""

import re
import xml.etree.ElementTree as ElementTree

from dagster import Definitions, asset

from deploy.asset_graph import Asset, assets_of, drawn, layers, portfolio_of, table


def one(key: str, *parents: str, stage: str = "scores") -> Asset:
    """An asset."""
    return Asset(key, stage, f"Rows of {key} | and <more>.", frozenset(parents))


GRAPH = [one("acme/list", "acme/scores"), one("acme/scores", "acme_raw/customers")]
GRAPH += [one("acme_raw/customers", stage="raw"), one("acme/card", "acme/scores", "acme/list")]


def test_each_asset_is_right_of_what_it_comes_from():
    """By its longest way from a source."""
    keys = [[asset.key for asset in layer] for layer in layers(GRAPH)]
    assert keys == [["acme_raw/customers"], ["acme/scores"], ["acme/list"], ["acme/card"]]


def test_the_picture_has_a_box_for_each_asset_and_a_line_for_each_parent():
    """It is well formed, and names no other host."""
    picture = drawn(GRAPH)
    ElementTree.fromstring(picture)
    assert picture.count("<text") == 4
    assert picture.count("<path") == 4
    addresses = re.findall(r'https?://[^"]+', picture)
    assert addresses == ["http://www.w3.org/2000/svg"]


def test_the_table_says_it_in_words():
    """A bar in a description ends no cell."""
    assert (
        "| `acme/scores` | scores | Rows of acme/scores \\| and <more>. | `acme_raw/customers` |"
        in (table(GRAPH))
    )


def test_assets_are_those_of_the_definitions():
    """With stage, first paragraph, and parents; raw tables are of their portfolio."""

    @asset(key=["acme_raw", "customers"], group_name="g1_acme_raw")
    def customers() -> None:
        """Customers, one row each.

        More of it.
        """

    @asset(key=["acme", "scores"], deps=[customers], group_name="g2_acme_scores")
    def scores() -> None:
        """Scores."""

    found = assets_of(Definitions(assets=[customers, scores]))
    assert [(one.key, one.stage, one.description) for one in found] == [
        ("acme/scores", "scores", "Scores."),
        ("acme_raw/customers", "raw", "Customers, one row each."),
    ]
    assert found[0].parents == {"acme_raw/customers"}
    assert {portfolio_of(one.key) for one in found} == {"acme"}
