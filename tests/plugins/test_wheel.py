"""What is shipped works where nothing of this repository is: the wheel, and the example."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from actors.journal.schema import migrations
from tests.plugins.environment import EXAMPLE, ROOT, Environment, build_wheel, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with our wheel, that of the example, and pytest."""
    folder = tmp_path_factory.mktemp("shipped")
    wheels = [build_wheel(project, folder) for project in (ROOT, EXAMPLE)]
    return make_environment(folder / "env", wheels, tools=["pytest"])


def said(environment: Environment, folder: Path, *words: object) -> Any:
    """Return what `arena` answers in JSON, when it is called in `folder`."""
    answer = environment.call(folder, "arena", *words, "--json", "--quiet")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_the_packaged_quickstart_runs_and_its_journal_verifies(
    shipped: Environment, tmp_path: Path
) -> None:
    where = "import arena, actors.journal.schema as s; print(arena.__file__, s.migrations_dir())"
    count = "import actors.journal.schema as s; print(len(s.migrations()))"
    places = shipped.call(tmp_path, "python", "-c", where).stdout.split()
    found = shipped.call(tmp_path, "python", "-c", count).stdout

    result = said(shipped, tmp_path, "run", "quickstart", "--set", "run.days=15")
    verified = said(shipped, tmp_path, "verify", "runs/quickstart-1")

    assert all(place.startswith(str(shipped.site)) for place in places), places
    assert int(found) == len(migrations())
    assert result["status"] == "completed"
    assert result["ledger"] == {"real_sum": 0, "virtual_sum": 0}
    assert verified["ok"]
    assert verified["head"] == result["head"]


def test_the_example_is_a_plugin_that_configs_can_name(
    shipped: Environment, tmp_path: Path
) -> None:
    listed = said(shipped, tmp_path, "list-strategies")
    changes = ("population.mix={momentum=1}", "allocation.policy=by-fitness", "run.days=15")
    words = [word for change in changes for word in ("--set", change)]
    result = said(shipped, tmp_path, "run", "quickstart", *words, "--out", "run")
    again = said(shipped, tmp_path, "replay", "run", "--re-execute")

    origins = {each["name"]: each["origin"] for each in listed["strategies"] + listed["policies"]}
    assert listed["problems"] == []
    assert origins["momentum"] == origins["by-fitness"] == "arena-momentum 0.1.0"
    assert result["archetypes"]["momentum"]["trades"] > 0
    assert again["divergence"] is None
    assert again["notes"] == []


def test_the_tests_of_the_example_pass_where_it_is_installed(
    shipped: Environment, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)

    tested = shipped.call(tmp_path, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


def test_a_new_strategy_and_its_test_work_there(shipped: Environment, tmp_path: Path) -> None:
    made = said(shipped, tmp_path, "new-strategy", "mine")
    tested = shipped.call(tmp_path, "python", "-m", "pytest", "-q", made["files"]["test"])
    result = said(shipped, tmp_path, "run", made["files"]["config"], "--set", "run.days=5")

    assert tested.returncode == 0, tested.stdout
    assert result["archetypes"]["mine"]["born"] > 0
