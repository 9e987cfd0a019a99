"""The OpenAPI document is the reference: the page is made from it, and whatever it allows works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from actors.app.http.app import make_app
from actors.app.http.reference import reference
from actors.app.http.source import Source
from arena import __version__
from tests.app.http.conftest import web_on

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "api.md"


def test_the_reference_page_is_what_the_document_says():
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "write it anew: python -c 'from actors.app.http.reference import reference; "
        'print(reference(), end="")\' > docs/reference/api.md'
    )


def test_the_document_has_the_version_of_the_package_and_only_reads():
    document = make_app(Source(Path())).openapi()

    assert document["info"]["version"] == __version__
    assert {method for path in document["paths"].values() for method in path} == {"get"}
    for path, operations in document["paths"].items():
        assert operations["get"]["description"], path
        for each in operations["get"].get("parameters", ()):
            assert each.get("description"), (path, each["name"])
    for name, schema in document["components"]["schemas"].items():
        for field, each in schema["properties"].items():
            assert each.get("description"), (name, field)


@pytest.fixture(scope="module")
def get(seen):
    """Ask the app on the finished run, from outside of its loop."""
    with asyncio.Runner() as runner:
        web = web_on(seen)
        client = runner.run(web.__aenter__()).client
        yield lambda case: runner.run(asked(client, case))
        runner.run(web.__aexit__(None, None, None))


async def asked(client, case):
    words = case.as_transport_kwargs(base_url=str(client.base_url))
    known = {name: words[name] for name in ("method", "url", "params", "headers")}
    return await client.request(**known)


OPERATIONS = [
    each.ok()
    for each in schemathesis.openapi.from_dict(make_app(Source(Path())).openapi())
    .exclude(path="/api/v1/stream")
    .get_all_operations()
]


CASES = [
    pytest.param(operation, mode, id=f"{operation.path}-{mode}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.definition.raw.get("parameters")
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_whatever_is_asked_is_answered_as_the_document_says(operation, mode, get):
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=8,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    def ask(case):
        case.validate_response(get(case))

    ask()
