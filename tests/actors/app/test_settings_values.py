"""A config says exactly what it means, or is refused with every key that does not."""

from __future__ import annotations

import tomllib
from dataclasses import fields, is_dataclass
from datetime import date

import pytest

from actors.app.rerun import BEFORE
from actors.app.settings import ConfigError, Settings, bar_seconds, make_settings
from arena.costs import CostModel
from arena.experiment import Endowment, Population, manifest
from arena.fitness import FitnessWeights
from arena.rules import AllocationRules, EvolutionRules, LadderRules, RecordRules, RiskRules
from arena.strategies import BUILT_IN, Strategy
from tests.worlds import a_run

A_SOURCE = """
[[market.sources]]
path = "a.csv"
series = { "BTC.open" = "open", "BTC.close" = "close" }
time_column = "date"
time_zone = "UTC"
"""
A_RULE = 'all = [{ metric = "age", op = ">", value = 1 }]'


def problems(text: str, *overrides: str) -> list[str]:
    """Return the lines with which a config is refused."""
    with pytest.raises(ConfigError) as caught:
        make_settings(tomllib.loads(text), overrides, place="a.toml")
    return str(caught.value).splitlines()


REFUSED = [
    # A typo, and a near miss.
    ("[treasury]\ntotl = 1", "treasury.totl: unknown key, did you mean 'total'?"),
    ("[tresury]\ntotal = 1", "tresury: unknown key, did you mean 'treasury'?"),
    ("[population.mix]\ntactical-trade = 1", "tactical-trade: unknown key, did you mean 'tactical"),
    ("[run]\nquux = 1", "run.quux: unknown key, known here: name, seed, days"),
    # A wrong type: nothing is turned into another.
    ('[run]\nseed = "5"', "run.seed: found '5', needed a whole number from 0 to"),
    ("[run]\nseed = 1.0", "run.seed: found 1.0, needed a whole number"),
    ("[run]\nseed = true", "run.seed: found true, needed a whole number"),
    ("[run]\nname = 5", "run.name: found 5, needed a name"),
    ("[costs]\nfee_bps = true", "costs.fee_bps: found true, needed a number from 0 to 1000"),
    ('[costs]\nfee_bps = "1"', "costs.fee_bps: found '1', needed a number"),
    ("[allocation]\ntiers = [6000, 3000, true]", "allocation.tiers[2]: found true, needed a whole"),
    ("[allocation]\ntiers = [6000, 4000]", "allocation.tiers[2]: missing, needed a whole number"),
    ("[allocation]\ntiers = 5", "allocation.tiers: found 5, needed a list of 3"),
    ("treasury = 5", "treasury: found 5, needed a table"),
    ("instruments = {}", "instruments: found {}, needed a list"),
    ("[[run]]", "run: found [{}], needed a table"),
    # Money is text or whole dollars.
    ("[treasury]\ntotal = 373261.00", "treasury.total: found 373261.0, needed dollars as text"),
    ("[treasury]\ntotal = true", "treasury.total: found true, needed dollars as text"),
    ('[treasury]\ntotal = "1e5"', "treasury.total: found '1e5', needed dollars as text"),
    ('[treasury]\ntotal = "1,000"', "treasury.total: found '1,000', needed dollars"),
    ('[treasury]\ntotal = "-1"', "treasury.total: found '-1', needed dollars"),
    (
        '[treasury]\nvirtual_capital = "10000000"',
        "treasury.virtual_capital: found $10,000,000.00, needed at most 9708737 dollars",
    ),
    ('[treasury]\ntotal = "0.00"', "treasury.total: found '0.00', needed more than nothing"),
    ('[treasury]\ntotal = "1000000000.01"', "treasury.total: found '1000000000.01', needed"),
    ('[costs]\ngas = "0.0000001"', "costs.gas: found '0.0000001', needed dollars"),
    # A number out of its range.
    ("[run]\nseed = -1", "run.seed: found -1, needed a whole number from 0 to 9223372036854775807"),
    ("[run]\ndays = 0", "run.days: found 0, needed a whole number from 1 to 36525"),
    ("[costs]\nfee_bps = nan", "costs.fee_bps: found nan, needed a number"),
    ("[costs]\nfee_bps = inf", "costs.fee_bps: found inf, needed a number"),
    ("[costs]\nfee_bps = -0.1", "costs.fee_bps: found -0.1, needed a number"),
    (f"[run]\nseed = 1{'0' * 400}", "run.seed: found 1000"),
    (f"[costs]\nfee_bps = 1{'0' * 400}", "costs.fee_bps: found 1000"),
    (f"[run]\nseed = 0x{'f' * 9000}", "run.seed: found a whole number of thousands of digits"),
    (f"[treasury]\ntotal = 0x{'f' * 9000}", "treasury.total: found a whole number of thousands"),
    ("[allocation]\nelite_top = 0.0", "elite_top: found 0.0, needed a number above 0 and at most"),
    (
        "[costs]\ntrade_min = 1.0",
        "costs.trade_min: found 1.0, needed a number at least 0 and below",
    ),
    ("[risk]\nhalt_drawdown = 0.3", "risk.halt_drawdown: found 0.3, needed a number from -1 to 0"),
    ("[risk]\nhalt_days = 0", "risk.halt_days: found 0, needed a whole number from 1 to 36525 or"),
    # Dates.
    ('[market]\nstart = "2020-01-01"', "market.start: found '2020-01-01', needed a date from 2000"),
    ("[market]\nstart = 2020-01-01T00:00:00", "found 2020-01-01 00:00:00, needed a date"),
    ("[market]\nstart = 1999-12-31", "market.start: found 1999-12-31, needed a date from 2000-01"),
    # Names: no tricks of writing, no paths, nothing empty or endless.
    *(
        (f"[run]\nname = {name}", "needed a name: a small letter, then at most 62 of a-z, 0-9")
        for name in (
            '""',
            '"A"',
            '"../x"',
            '"CON"',
            '"9a"',
            f'"a{"b" * 63}"',
            '"\\u202Ea"',
            '"a\\u200Bb"',
            '"\\uFF41"',
            '"a b"',
            '"a\\n"',
        )
    ),
    ('[[instruments]]\nname = "B.C"\nkind = "spot"', "instruments[0].name: found 'B.C', needed a"),
    # Words.
    ('[allocation]\npolicy = "tired"', "policy: found 'tired', needed one of tiered, equal"),
    (
        '[market]\nsource = "live"',
        "market.source: found 'live', needed one of synthetic, csv, mixed",
    ),
    ("[rules.seat]\nall = []", "rules.seat.all: found [], needed a list of at least one"),
    (
        '[rules.seat]\nall = [{ metric = "shape", op = ">", value = 1 }]',
        "rules.seat.all[0].metric: found 'shape', needed one of fitness, sharpe",
    ),
    (
        '[rules.seat]\nall = [{ metric = "sharpe", op = "=>", value = 1 }]',
        "rules.seat.all[0].op: found '=>', needed one of >, >=, <, <=",
    ),
    (
        '[rules.seat]\nall = [{ metric = "sharpe", op = ">", value = "1" }]',
        "rules.seat.all[0].value: found '1', needed a number",
    ),
    ('[[rules.kill]]\nid = "a"', "rules.kill[0].all: missing, needed a list of at least one"),
    (f'[[rules.kill]]\nid = "../a"\n{A_RULE}', "rules.kill[0].id: found '../a', needed a name"),
    (f"[[rules.kill]]\n{A_RULE}", "rules.kill[0].id: missing, needed a name"),
    ("[population]\nmix = {}", "population.mix: found {}, needed a table of at least one name"),
    ("[population.mix]\ncash = 0", "population.mix.cash: found 0, needed a whole number from 1"),
    # Values that must fit together, with both places.
    (
        "[treasury]\nreserve_bp = 4369",
        "treasury: found reserve_bp + proving_bp + arena_bp = 9999, needed 10000",
    ),
    ("[allocation]\ntiers = [1, 2, 3]", "allocation.tiers: found 6, needed a sum of 10000"),
    ("[allocation]\nelite_top = 0.6", "found 0.6, needed at most allocation.active_top = 0.5"),
    ("[evolution]\nmutation_low = 2", "found 2.0, needed at most evolution.mutation_high = 1.2"),
    ("[records]\nwindow = 5", "observations_min: found 7, needed at most records.window = 5"),
    (
        "[risk]\nfailures_max = 30",
        "failures_max: found 30, needed at most risk.failure_window = 20",
    ),
    ("[population]\nagents = 101", "found 101, needed at most evolution.agents_max = 100"),
    # Names that must exist, and stand once.
    ('[population]\nbaselines = ["rando"]', "found 'rando', needed a known strategy (did you mean"),
    (
        '[population]\nbaselines = ["cash", "cash"]',
        "baselines[1]: found 'cash', needed another name: population.baselines[0] is that already",
    ),
    (
        f'[[rules.kill]]\nid = "a"\n{A_RULE}\n[[rules.kill]]\nid = "a"\n{A_RULE}',
        "rules.kill[1].id: found 'a', needed another name: rules.kill[0].id is that already",
    ),
    (
        '[[instruments]]\nname = "aave"\nkind = "lending"\n' * 2,
        "instruments[1].name: found 'aave', needed another name: instruments[0].name is that",
    ),
    # The market must have what is held and what strategies need.
    (
        '[[instruments]]\nname = "DOGE"\nkind = "spot"',
        "instruments[0].name: found 'DOGE', needed the market to have a column 'DOGE.open'",
    ),
    (
        '[[instruments]]\nname = "aave"\nkind = "spot"',
        "instruments[0].kind: found 'spot', needed the other kind: aave.close is in index",
    ),
    (
        '[[instruments]]\nname = "BTC"\nkind = "lending"',
        "instruments[0].name: found 'BTC', needed the market to have a column 'BTC.apr'",
    ),
    (
        '[[instruments]]\nname = "BTC"\nkind = "spot"\nprotocol = "maker"',
        "instruments[0].protocol: found 'maker', needed none: a spot instrument has no protocol",
    ),
    (
        '[[instruments]]\nname = "BTC"\nkind = "spot"',
        "mix.defi-yield-farmer: found 'defi-yield-farmer', needed an instrument of kind lending",
    ),
    (
        '[[instruments]]\nname = "BTC"\nkind = "spot"',
        "needed the spot assets that it may choose as instruments: ETH, SOL",
    ),
    # Where prices come from.
    ('[market]\nsource = "csv"', "market.sources: missing, needed at least one table, since"),
    ('[market]\nsource = "csv"', "market.start: missing, needed a date such as 2020-04-10, since"),
    ('[market]\nsource = "csv"', "market.end: missing, needed a date, or run.days, since"),
    ('[market]\nsource = "mixed"', "market.generated: missing, needed at least one pool or group"),
    ('[market]\ngenerated = ["aave"]', "market.generated: found ['aave'], needed none, since"),
    (
        '[market]\ngenerated = ["BTC"]',
        "generated[0]: found 'BTC', needed one of aave, curve, pendle",
    ),
    (A_SOURCE, "market.sources: found ['a.csv'], needed none, since market.source = 'synthetic'"),
    (A_SOURCE * 2, "sources[1].series: found 'BTC.open', needed it once: market.sources[0] has it"),
    (A_SOURCE + 'gaps = "fill"', "market.sources[0].gaps: found 'fill', needed reject, or hold:1"),
    (A_SOURCE + "lag_bars = 1", "market.sources[0].lag_bars: found 1, needed 0, since BTC.close"),
    (A_SOURCE.replace("UTC", "Mars"), "sources[0].time_zone: found 'Mars', needed UTC or an IANA"),
    (A_SOURCE.replace('"BTC.open"', "BTC.open"), "a name with a dot stands in quotes"),
    (
        "[market]\nstart = 2020-02-01\nend = 2020-01-01",
        "market.end: found 2020-01-01, needed 2020-02-01 or later",
    ),
    (
        "[run]\ndays = 32\n[market]\nend = 2020-01-31",
        "found 32, needed at most 31, the days from 2020-01-01 to market.end = 2020-01-31",
    ),
    # The daemon: a pace that there is, this machine alone, and no secret.
    *(
        (f"[daemon]\nspeed = {found}", "daemon.speed: found ")
        for found in ("60", '"60"', '"0.5x"', '"1000.5x"', '"x"', '"MAX"', '"1e2x"', '"nanx"')
    ),
    *(
        (f"[http]\nbind = {found}", "comes through a proxy that speaks TLS")
        for found in (
            '"0.0.0.0:8420"',
            '"[::]:8420"',
            '"192.168.0.1:1"',
            '"localhost:1"',
            '"127.0.0.1"',
            '"127.0.0.1:65536"',
            '":8420"',
            "8420",
        )
    ),
    ('[http]\ntoken = "s3cret"', "http.token: unknown key, token_file: a config holds no secret"),
    ('[http]\nhosts = ["a.org:80"]', "http.hosts[0]: found 'a.org:80', needed a host name"),
    ('[[notify]]\nurl = "https://a/s3cret"', "url: unknown key, url_file or url_env: a config"),
    (
        '[[notify]]\nurl_file = "https://a/s3cret"',
        "notify[0].url_file: found something else, not shown here, needed text: the path of a file",
    ),
    (
        '[[notify]]\nurl_env = "https://a/s3cret"',
        "notify[0].url_env: found something else, not shown here, needed text: the name of a",
    ),
    (
        "[[notify]]",
        "notify[0]: found neither url_file nor url_env, needed one of url_file and url_env",
    ),
    (
        '[[notify]]\nurl_file = "a"\nurl_env = "A"',
        "notify[0]: found url_file and url_env, needed one of",
    ),
    ('[[notify]]\nurl_env = "A"\non = []', "notify[0].on: found [], needed a list of at least one"),
    ('[[notify]]\nurl_env = "A"\non = ["lunch"]', "on[0]: found 'lunch', needed one of panic, inv"),
    ('[live]\nfeed = "poll"', "live.feed: found 'poll', needed replay: of a synthetic market"),
    ("[live]\npoll_s = 0", "live.poll_s: found 0, needed a number from 1 to 86400"),
]


@pytest.mark.parametrize(("text", "answer"), REFUSED, ids=[answer[:70] for _, answer in REFUSED])
def test_what_cannot_be_used_is_refused_with_its_key(text, answer):
    lines = problems(text)

    assert any(answer in line for line in lines), lines
    assert all(line.startswith("a.toml: ") and line.isprintable() for line in lines)
    assert all(len(line) < 400 for line in lines)
    assert not any("s3cret" in line for line in lines), "a secret stays where it was written"


def test_every_problem_is_listed_and_each_once():
    text = "[run]\nseed = true\nnme = 1\n[risk]\nhalt_days = 0\n[costs]\nfee_bps = nan"

    lines = problems(text)

    keys = [line.removeprefix("a.toml: ").partition(":")[0] for line in lines]
    assert keys == ["run.seed", "run.nme", "costs.fee_bps", "risk.halt_days"]


def test_an_error_carries_its_problems_as_data():
    with pytest.raises(ConfigError) as caught:
        make_settings({"run": {"seed": -1}})

    (problem,) = caught.value.problems
    assert (problem.place, problem.key, problem.found) == ("config", "run.seed", -1)
    assert (caught.value.field, caught.value.found) == ("run.seed", -1)


def test_hundreds_of_problems_are_counted_and_not_all_shown():
    lines = problems("[run]\n" + "\n".join(f"key{n} = 1" for n in range(300)))

    assert (len(lines), lines[-1]) == (51, "(and 250 more)")


def test_a_strategy_that_needs_an_unknown_column_is_refused():
    class Watcher(Strategy):
        name, family, needs = "watcher", "test", ("btc_nvt",)

        def decide(self, market, book, memory):
            return {}

    with pytest.raises(ConfigError, match=r"mix.watcher: .* a column 'btc_nvt'"):
        make_settings(
            {"population": {"mix": {"watcher": 1}}}, catalog={**BUILT_IN, "watcher": Watcher}
        )


TABLES = [
    ("treasury", Endowment),
    ("costs", CostModel),
    ("population", Population),
    ("records", RecordRules),
    ("fitness", FitnessWeights),
    ("ladder", LadderRules),
    ("allocation", AllocationRules),
    ("evolution", EvolutionRules),
    ("risk", RiskRules),
]


@pytest.mark.parametrize(("table", "declared"), TABLES, ids=[table for table, _ in TABLES])
def test_every_number_of_the_game_is_a_key_with_the_same_default(table, declared):
    elsewhere = {"seat", "entry", "kill", "weights"}  # They have tables of their own.
    game, settings = declared(), getattr(Settings(), table)

    keys = {field.name for field in fields(declared)} - elsewhere

    assert is_dataclass(game)
    assert keys == set(type(settings).model_fields) - {"trade_min"}
    keys -= BEFORE.get(table, {}).keys()  # Of these the game's default is what an older run meant.
    assert {key: getattr(settings, key) for key in keys} == {
        key: getattr(game, key) for key in keys
    }


def test_an_empty_config_is_all_defaults():
    assert make_settings({}) == Settings()
    assert Settings().period.days == 180
    assert str(Settings().period.opens) == "2019-09-03"


def test_whole_numbers_stand_for_numbers_and_for_dollars():
    settings = make_settings({"costs": {"fee_bps": 3}, "treasury": {"total": 5}})

    assert (settings.costs.fee_bps, settings.treasury.total) == (3.0, 5_000_000)


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().run.seed = 7


@pytest.mark.parametrize(
    ("run", "end", "days"), [({}, 31, 31), ({"days": 10}, 31, 10), ({"days": 31}, 31, 31)]
)
def test_a_run_ends_with_its_days_or_with_the_market(run, end, days):
    settings = make_settings({"run": run, "market": {"end": date(2020, 1, end)}})

    assert settings.period.days == days


@pytest.mark.parametrize(
    ("speed", "seconds"),
    [("max", 0.0), ("1x", 86_400.0), ("60x", 1_440.0), ("2.5x", 34_560.0), ("1000x", 86.4)],
)
def test_a_speed_says_how_long_a_bar_takes(speed, seconds):
    settings = make_settings({"daemon": {"speed": speed}})

    assert bar_seconds(settings.daemon.speed, 86_400.0) == seconds


@pytest.mark.parametrize("bind", ["127.0.0.1:8420", "[::1]:1", "127.0.0.1:0", "127.0.0.1:65535"])
def test_it_may_be_served_on_this_machine(bind):
    assert make_settings({"http": {"bind": bind}}).http.bind == bind


def test_how_a_run_is_carried_out_is_no_part_of_it():
    how = ("daemon.speed=60x", "http.enabled=false", "live.poll_s=5", 'notify=[{ url_env = "A" }]')

    plain, other = a_run(days=3), a_run(days=3, overrides=how)

    assert manifest(plain[0]) == manifest(other[0])
