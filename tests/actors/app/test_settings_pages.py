"""What the settings say about themselves is complete, current, and can be fed back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.app.settings import (
    ReloadClass,
    Settings,
    effective,
    load_settings,
    make_settings,
    reference,
    reload_class,
    schema,
    show_toml,
)

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "config").glob("*.toml"))


def keys(root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key of every table with its schema."""
    for table in (root, *root["$defs"].values()):
        for name, node in table["properties"].items():
            yield f"{table['title']}.{name}", node


def test_every_key_has_a_description_a_type_and_a_default_or_is_needed():
    root = schema()
    needed = {name for table in root["$defs"].values() for name in table.get("required", ())}

    for name, node in keys(root):
        about = node.get("description") or root["$defs"][node["$ref"].split("/")[-1]]["description"]
        assert about.endswith("."), name
        assert {"type", "anyOf", "$ref", "enum"} & set(node), name
        assert "default" in node or name.rpartition(".")[2] in needed, name


def test_no_table_takes_a_key_that_the_schema_does_not_name():
    root = schema()

    tables = [root, *root["$defs"].values()]

    assert all(table["additionalProperties"] is False for table in tables)


def test_every_key_says_when_a_daemon_takes_over_a_change_of_it():
    classes = {name: node.get("x-reload") for name, node in keys(schema())}

    tables = {name for name, word in classes.items() if word is None}
    assert all("$ref" in node for name, node in keys(schema()) if name in tables)
    assert reload_class("daemon.speed") == "live"
    assert reload_class("notify[0].url_env") == "live"
    assert reload_class("http.bind") == "restart"
    assert reload_class("market.sources[3].path") == "restart"
    assert reload_class("run.days") == "restart"
    assert reload_class("run.seed") == "restart"
    assert reload_class("population.mix.cash") == "next-cycle"
    assert reload_class("rules.kill[0].all") == "next-cycle"
    assert reload_class("plugins.modules") == "restart"
    assert {word for word in classes.values() if word} == {*ReloadClass}


def test_the_schema_is_plain_json_and_gives_money_as_text():
    root = json.loads(json.dumps(schema(), allow_nan=False))

    assert root["$defs"]["TreasuryTable"]["properties"]["total"]["default"] == "373261.00"


def test_the_reference_page_is_what_the_code_generates():
    page = ROOT / "docs" / "reference" / "config.md"

    assert page.read_text(encoding="utf-8") == reference(), (
        "write it anew: python -c 'from actors.app.settings import reference; "
        'print(reference(), end="")\' > docs/reference/config.md'
    )


def test_the_reference_page_has_every_key():
    page = reference()

    for name, node in keys(schema()):
        assert f"`{name.rpartition('.')[2]}`" in page or "$ref" in node or "items" in node, name


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_effective_config_is_plain_data_and_gives_the_same_run(path):
    settings = load_settings(path)

    again = make_settings(tomllib.loads(show_toml(settings)))

    assert effective(again) == effective(settings)
    assert json.loads(json.dumps(effective(settings), allow_nan=False)) == effective(settings)
    assert again.period == settings.period


def test_the_effective_config_says_what_was_left_out():
    data = effective(Settings())

    assert data["run"] == {"name": "arena", "seed": 42, "days": 180, "delay_bars": 0}
    assert (data["market"]["start"], data["market"]["end"]) == ("2020-01-01", "2020-06-28")
    assert data["treasury"]["total"] == "373261.00"


def test_odd_names_survive_toml():
    where = {'a "b"': "c\\d\x7f\né", "x.y": "z"}
    source = {"path": "a", "series": {"f": "f"}, "time_column": "t", "time_zone": "UTC"}
    table = {"source": "csv", "sources": [source | {"where": where}]}
    settings = Settings.model_validate({"market": table})

    again = tomllib.loads(show_toml(settings))

    assert again["market"]["sources"][0]["where"] == where
