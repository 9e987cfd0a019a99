"""An experiment holds what a market is, and nothing about where it lies or how it is run."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from actors.app.markets import build_experiment, build_market
from actors.app.rerun import stored_settings
from actors.app.settings import ConfigError, Settings, effective, load_settings, make_settings
from actors.app.settings.offer import offered
from actors.feeds import DataError
from actors.journal.codec import canonical
from arena.costs import CostModel
from arena.experiment import Endowment, Population, manifest, plain
from arena.instruments import Kind
from arena.prices import simulate_market
from arena.rules import LadderRules, RiskRules, Rules
from arena.seed import Seed
from tests.app.live.growing import WARMUP, Folder
from tests.app.live.growing import settings as live_settings

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "config").glob("*.toml"))
DATA = ROOT.parent / "shared" / "data"
NOW = datetime(2026, 11, 22, tzinfo=UTC)

needs_data = pytest.mark.skipif(
    not (DATA / "MANIFEST.csv").exists(), reason=f"the real data is not here: {DATA}"
)
FACTS = {  # badge, first day settled, days, warm-up
    "quickstart": ("synthetic", "2020-01-01", 180, 120),
    "phase1": ("synthetic", "2020-01-01", 180, 120),
    "daemon": ("synthetic", "2020-01-01", 3650, 120),
    "real": ("mixed", "2020-04-10", 1176, 120),
    "real-lending": ("real", "2025-08-05", 208, 14),
}


def a_run(data=None, base=ROOT, now=NOW):
    settings = make_settings(data or {})
    loaded = build_market(settings, base, now=now)
    return build_experiment(settings, loaded), loaded


@pytest.fixture
def prices(tmp_path):
    """A folder with ten days of BTC, and the tables of a config that reads them."""
    days = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(10)]
    rows = [f"{day:%Y-%m-%d},{100 + n},{101 + n}" for n, day in enumerate(days)]
    (tmp_path / "btc.csv").write_text("\n".join(["date,open,close", *rows]) + "\n")
    source = {
        "path": "btc.csv",
        "series": {"BTC.open": "open", "BTC.close": "close"},
        "time_column": "date",
        "time_zone": "UTC",
    }
    first = days[3].date()
    market = {"source": "csv", "start": first, "warmup_days": 3, "sources": [source]}
    return tmp_path, {
        "run": {"days": 5},
        "market": market,
        "instruments": [{"name": "BTC", "kind": "spot"}],
        "population": {"mix": {"buy-and-hold": 1}, "baselines": ["cash"]},
    }


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=[needs_data] if p.stem.startswith("real") else []) for p in CONFIGS],
    ids=lambda path: path.stem,
)
def test_every_config_builds_its_market_and_its_experiment(path):
    settings = load_settings(path)

    loaded = build_market(settings, path.parent, now=NOW)
    experiment = build_experiment(settings, loaded)

    market, facts = loaded.market, experiment.market
    assert (facts.badge, facts.opens_at, facts.ticks, facts.warmup) == FACTS[path.stem]
    assert len(market) == facts.warmup + facts.ticks
    found = {series.name: series.unit for series in market.series}
    held = {name for name in found if name.endswith(".held")}  # Only the files know of gaps.
    assert offered(settings)[0] == {name: found[name] for name in found.keys() - held}
    mortal = {name.removesuffix(".expires") for name in found if name.endswith(".expires")}
    for name in found:
        if name.partition(".")[0] not in mortal:
            assert np.isfinite(market.column(name)[facts.warmup :]).all(), name
    facts_of_it = manifest(experiment)
    for unit in ("USD/day", "1/year", "1/day"):
        facts_of_it = facts_of_it.replace(unit, "")
    assert "/" not in facts_of_it


@needs_data
def test_the_real_run_ends_with_the_data_and_solana_begins_with_the_run():
    path = ROOT / "config" / "real.toml"
    loaded = build_market(load_settings(path), path.parent, now=NOW)

    known = np.isfinite(loaded.market.column("SOL.close"))

    assert int(np.flatnonzero(known)[0]) == loaded.warmup == 120
    assert loaded.market.closes_at(-1) == datetime(2023, 6, 30, tzinfo=UTC)
    assert any("SOL" in note for note in loaded.notes)
    assert any("aave, pendle, curve, volatility" in note for note in loaded.notes)


@needs_data
def test_the_deposits_of_one_protocol_share_its_limit():
    path = ROOT / "config" / "real-lending.toml"
    settings = load_settings(path)
    experiment = build_experiment(settings, build_market(settings, path.parent, now=NOW))

    instruments = experiment.terms.instruments.values()

    assert {(each.kind, each.protocol) for each in instruments} == {(Kind.LENDING, "aave")}
    assert experiment.rules.risk.per_protocol_bp == 2_000


def test_an_empty_config_is_the_game_by_default():
    experiment, _ = a_run()

    rules = Rules(ladder=LadderRules(gate_required=True), risk=RiskRules(pause_drawdown=-0.2))
    assert experiment.rules == rules
    assert plain(experiment.rules) == plain(rules)  # 30 and 30.0 are equal, but not as bytes.
    assert json.dumps(plain(experiment.rules)) == json.dumps(plain(rules))
    assert experiment.endowment == Endowment()
    assert experiment.population == Population()
    assert experiment.terms.costs == CostModel(
        gas_reference_gwei=54.0, impact=1.0, participation_max=0.01
    )
    assert list(experiment.terms.instruments) == ["BTC", "ETH", "SOL", "aave", "curve", "pendle"]


def test_defaults_that_are_written_out_are_the_same_run():
    written = {
        "rules": {
            "kill": [
                {
                    "id": rule.id,
                    "all": [
                        {"metric": c.metric, "op": c.op, "value": float(c.value)} for c in rule.all
                    ],
                    "spares_arena": rule.spares_arena,
                    "every_tick": rule.every_tick,
                }
                | ({"once_at_age": rule.once_at_age} if rule.once_at_age else {})
                for rule in Rules().risk.kill
            ]
        },
        "population": {"mix": {"tactical-trader": 1, "defi-yield-farmer": 1}},
        "instruments": [
            *({"name": name, "kind": "lending"} for name in ("pendle", "curve", "aave")),
            *({"name": name, "kind": "spot"} for name in ("SOL", "ETH", "BTC")),
        ],
    }

    experiment, _ = a_run(written)

    assert manifest(experiment) == manifest(a_run()[0])
    assert list(experiment.population.mix) == list(a_run()[0].population.mix)
    assert list(experiment.terms.instruments) == list(a_run()[0].terms.instruments)


def test_a_halt_that_never_ends_is_none_to_the_arena():
    experiment, _ = a_run({"risk": {"halt_days": "never"}})

    assert experiment.rules.risk.halt_days is None


def test_the_synthetic_market_is_drawn_from_the_seed_alone():
    one, other, third = (a_run({"run": {"seed": seed}})[1].market for seed in (1, 1, 2))

    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert not np.array_equal(one.values, third.values, equal_nan=True)


def test_a_longer_run_begins_like_a_shorter_one():
    short = a_run({"run": {"days": 10}})[1].market
    long = a_run({"run": {"days": 20}})[1].market

    assert np.array_equal(short.values, long.values[: len(short)], equal_nan=True)


def test_facts_hash_the_numbers_of_every_column():
    experiment, loaded = a_run()

    unit, provenance, origin, digest = experiment.market.series["BTC.close"]

    assert (unit, provenance) == ("USD", "synthetic")
    assert origin.startswith("synthetic")
    assert digest == loaded.market.sha256("BTC.close")
    assert set(experiment.market.series) == set(loaded.market.columns)


def test_a_file_is_read_from_the_folder_of_the_config_with_its_warm_up(prices):
    folder, data = prices

    experiment, loaded = a_run(data, folder)

    assert loaded.market.column("BTC.open").tolist() == [100.0 + n for n in range(8)]
    assert (experiment.market.opens_at, experiment.market.ticks) == ("2020-01-04", 5)
    assert (experiment.market.source, experiment.market.badge) == ("csv", "real")
    assert experiment.market.series["BTC.open"][2] == "btc.csv"


def test_the_same_numbers_in_another_folder_are_the_same_run(prices, tmp_path):
    folder, data = prices
    shutil.copytree(folder, tmp_path / "elsewhere", dirs_exist_ok=True)

    here, there = a_run(data, folder)[0], a_run(data, tmp_path / "elsewhere")[0]

    assert manifest(here) == manifest(there)


def test_a_mixed_market_takes_the_generators_rates_and_nothing_else(prices):
    folder, data = prices
    data["market"] |= {"source": "mixed", "generated": ["curve"]}

    experiment, loaded = a_run(data, folder)

    assert set(loaded.market.columns) == {
        *("BTC.open", "BTC.close", "curve.apr", "curve.open", "curve.close")
    }
    assert (experiment.market.source, experiment.market.badge) == ("mixed", "mixed")
    assert loaded.market.column("curve.open")[0] == 1.0


def test_files_that_end_too_early_are_refused(prices):
    folder, data = prices

    with pytest.raises(DataError):
        a_run(data | {"run": {"days": 30}}, folder)


def test_data_from_the_future_is_refused(prices):
    folder, data = prices

    with pytest.raises(DataError):
        a_run(data, folder, now=datetime(2020, 1, 2, tzinfo=UTC))


def test_settings_that_were_never_checked_are_checked_before_they_are_run():
    settings = Settings.model_validate({"treasury": {"reserve_bp": 1}})
    loaded = build_market(settings, ROOT, now=NOW)

    with pytest.raises(ConfigError, match="reserve_bp"):
        build_experiment(settings, loaded)


def test_the_market_draws_from_its_own_child_of_the_seed():
    _, loaded = a_run({"run": {"seed": 5, "days": 3}, "market": {"warmup_days": 0}})

    expected = simulate_market(3, Seed(5).child("market"))

    assert np.array_equal(loaded.market.values, expected.values, equal_nan=True)


def test_a_market_has_its_columns_in_the_same_order_when_it_is_built_again(tmp_path):
    folder = Folder(tmp_path, WARMUP + 4)
    chosen = live_settings(run={"days": 4}, live={"feed": "replay"})
    again = stored_settings(canonical(effective(chosen)), {"base": str(tmp_path)})

    built = [build_market(each, folder.path, now=NOW).market for each in (chosen, again)]

    assert [*built[0].columns] == [*built[1].columns]
    assert list(again.market.sources[0].series) != list(chosen.market.sources[0].series)
