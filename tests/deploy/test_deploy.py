"""What lies in `deploy/` can be used as it is, and names nothing that is not there."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import ProcessCollector

from actors.app.exits import ExitCode
from actors.app.http.metric_names import SPECS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "alerts.yml"
UNIT = DEPLOY / "arena.service"

NAME = re.compile(r"\barena_[a-z_]+")
SERVED = {"arena_writer": "writer", "arena_web": "web"}


def known() -> set[str]:
    names = {spec.name for spec in SPECS}
    for spec in SPECS:
        if spec.kind == "histogram":
            names |= {f"{spec.name}_{part}" for part in ("bucket", "sum", "count")}
    for prefix in SERVED:
        for family in ProcessCollector(namespace=prefix, registry=None).collect():
            names |= {sample.name for sample in family.samples}
    return names


def tool(name: str, *words: str) -> str:
    """Run a tool of the system, and return what it says; without it the rest of the test holds."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([path, *words], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_the_alerts_use_only_metrics_that_exist() -> None:
    used = set(NAME.findall(ALERTS.read_text()))

    assert used
    assert used - known() == set()


def test_each_alert_says_how_urgent_it_is_and_what_to_do() -> None:
    rules = ALERTS.read_text().split("      - alert: ")[1:]

    assert len(rules) > 10
    for rule in rules:
        assert re.search(r"^        labels: \{severity: (page|ticket)\}$", rule, re.MULTILINE), rule
        assert "          summary: " in rule
        assert "          description: " in rule
    names = [rule.partition("\n")[0] for rule in rules]
    assert len(set(names)) == len(names)


def test_promtool_accepts_the_alerts_and_they_say_what_they_should(tmp_path: Path) -> None:
    cases = (Path(__file__).parent / "alerts-cases.yml").read_text()
    (tmp_path / "cases.yml").write_text(cases.replace("ALERTS", str(ALERTS)))

    assert "SUCCESS" in tool("promtool", "check", "rules", str(ALERTS))
    assert "SUCCESS" in tool("promtool", "test", "rules", str(tmp_path / "cases.yml"))


def panels() -> Iterator[dict[str, Any]]:
    yield from json.loads((DEPLOY / "grafana-dashboard.json").read_text())["panels"]


def test_the_dashboard_uses_only_metrics_that_exist() -> None:
    text = "\n".join(target["expr"] for panel in panels() for target in panel.get("targets", ()))
    used = set(NAME.findall(text))

    assert len(used) > 20
    assert used - known() == set()


def test_the_panels_of_the_dashboard_have_their_own_place_each() -> None:
    taken = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len([*panels()])


def unit() -> dict[str, str]:
    """Return the service's settings; the last one of a name."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), allow_no_value=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_what_a_restart_cannot_mend_is_not_restarted() -> None:
    given = {int(code) for code in unit()["RestartPreventExitStatus"].split()}

    assert given == {
        ExitCode.USAGE,
        ExitCode.INVARIANT,
        ExitCode.DATA,
        ExitCode.GATE,
        ExitCode.STORAGE,
    }
    assert unit()["SuccessExitStatus"] == str(int(ExitCode.INTERRUPTED))


def test_the_unit_says_what_the_daemon_relies_on() -> None:
    service = unit()

    assert service["Type"] == "notify"
    assert service["NotifyAccess"] == "main"
    assert service["KillMode"] == "mixed"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["ExecStart"].split()[1] == "serve"
    assert service["StateDirectoryMode"] == "0700"
    assert service["UMask"] == "0077"


def test_systemd_accepts_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    there = tmp_path / "arena.service"
    program = unit()["ExecStart"].split()[0]
    there.write_text(UNIT.read_text().replace(program, "/bin/true"))

    assert tool("systemd-analyze", "verify", "--man=no", str(there)) == ""
    said = tool("systemd-analyze", "security", "--offline=true", "--no-pager", str(there))
    level = re.search(r"exposure level for arena\.service: ([0-9.]+)", said)
    assert level is not None
    assert float(level[1]) < 2.0
