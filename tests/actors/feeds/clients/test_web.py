"""What the network does to us, done for real: silence, broken connections, bodies cut short."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import pytest

from actors.feeds.clients import PROVIDERS, ProviderError, SeriesRequest, open_client
from actors.feeds.clients.coingecko import choose_plan
from actors.feeds.clients.exchanges import EXCHANGES
from arena.exceptions import ValidationError
from tests.actors.feeds.clients.conftest import World, bars, ms, price
from tests.actors.feeds.clients.loopback import DATA, Answer, recorded

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the recordings are not here: {DATA}")

PATH = "/api/v3/coins/bitcoin/market_chart/range"
BITCOIN = price("coingecko", "bitcoin")
SPAN = ("2014-02-16", "2015-01-30")
WHOLE = "coingecko/market_chart_range_bitcoin_usd_2014.json"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "broken",
    [
        {"stall": True},
        {"drip": True},
        {"hang_up": True},
        {"cut": 100},
        {"body": b'{"prices": [[139', "status": 200},
        {"body": b"", "status": 503},
    ],
    ids=[
        "silence",
        "a byte at a time",
        "hang-up",
        "body cut short",
        "truncated JSON",
        "503 without a body",
    ],
)
async def test_what_passes_is_asked_again_and_the_answer_is_whole(world: World, broken):
    whole = {"body": recorded(WHOLE)}
    world.server.on(PATH, Answer(**whole | broken), Answer(**whole))

    frame = await world.fetch(BITCOIN, *SPAN, request_s=0.5)

    assert len(frame) == 347
    assert world.server.count(PATH) == 2
    assert world.slept == [1.0]


@pytest.mark.asyncio
async def test_a_server_that_stays_silent_ends_in_a_typed_error(world: World):
    world.server.on(PATH, Answer(stall=True))

    with pytest.raises(ProviderError, match=r"(Timeout on the way|no whole answer within)"):
        await world.fetch(BITCOIN, *SPAN, request_s=0.1, attempts=2)

    assert world.server.count(PATH) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize("provider", ["coingecko", "binance"])
async def test_who_is_cancelled_while_waiting_leaves_nothing_open(world: World, provider):
    """Warnings are errors: an open socket or a forgotten task would fail this test."""
    world.server.on("/api/v3/", Answer(stall=True))

    async def wait() -> None:
        async with world.client(provider) as client:
            key = BITCOIN if provider == "coingecko" else bars("binance", "BTC/USDT", "1d")
            await client.fetch(SeriesRequest(key, ms(SPAN[0]), ms(SPAN[1])))

    waiting = asyncio.ensure_future(wait())  # noqa: TID251 - a task to be cancelled
    while not world.server.asked:  # noqa: ASYNC110 - the server is another thread
        await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_a_client_may_be_made_before_there_is_a_loop(world: World):
    async def close() -> None:
        await client.aclose()

    client = world.client("binance")

    asyncio.run(close())


@pytest.mark.asyncio
async def test_a_clock_that_runs_ahead_takes_no_bar_for_finished(world: World):
    """The provider's clock says 18:00 of the day before; the last of its days is not over."""
    date = {"Date": "Thu, 29 Jan 2015 17:58:00 GMT", "Age": "120"}
    world.server.on(PATH, Answer(recorded(WHOLE), headers=date))
    world.now("2015-01-30T06:00")

    frame = await world.fetch(BITCOIN, *SPAN)

    assert int(frame.times[-1]) == ms("2015-01-28")
    assert frame.spans[-1].end == ms("2015-01-29")


@pytest.mark.asyncio
async def test_a_clock_that_runs_behind_only_makes_us_wait(world: World):
    world.server.on(
        PATH, Answer(recorded(WHOLE), headers={"Date": "Fri, 30 Jan 2015 12:00:00 GMT"})
    )
    world.now("2015-01-29T12:00")

    frame = await world.fetch(BITCOIN, *SPAN)

    assert frame.spans[-1].end == ms("2015-01-29")


@pytest.mark.asyncio
async def test_what_closed_while_we_waited_was_open_in_the_answer(world: World):
    """Two minutes pass between the question and the answer, and midnight with them."""
    limited = Answer(b"", status=429, headers={"Retry-After": "120"})
    world.server.on(PATH, limited, Answer(recorded(WHOLE)))
    world.now("2015-01-29T00:00")

    frame = await world.fetch(BITCOIN, *SPAN)

    assert world.clock.stamp().minute == 2
    assert int(frame.times[-1]) < ms("2015-01-28")


@pytest.mark.asyncio
async def test_a_port_on_which_nobody_listens_ends_in_a_typed_error(world: World, unused_port):
    client = open_client(
        "coingecko",
        clock=world.clock,
        sleep=world.sleep,
        environment={},
        base_url=f"http://127.0.0.1:{unused_port}",
    )
    async with client:
        with pytest.raises(ProviderError, match=r"ConnectError on the way \(attempt 6\)"):
            await client.current("bitcoin")  # type: ignore[attr-defined]


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed(world: World):
    world.server.on(PATH, Answer(b"", status=302, headers={"Location": "/elsewhere"}))

    with pytest.raises(ProviderError, match="status 302"):
        await world.fetch(BITCOIN, *SPAN)

    assert world.server.count("/elsewhere") == 0


@pytest.mark.asyncio
async def test_an_answer_longer_than_any_we_know_is_not_read_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("actors.feeds.clients.web.BODY_MAX", 1000)
    world.server.on(PATH, Answer(recorded(WHOLE)))

    with pytest.raises(ProviderError, match="more than 1000 bytes"):
        await world.fetch(BITCOIN, *SPAN)

    assert world.server.count(PATH) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_provider_opens_and_closes_without_a_request(world: World, provider):
    async with world.client(provider) as client:
        assert client.source == provider

    assert world.server.asked == []


def test_a_provider_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValidationError, match="needed one of binance, bybit, kraken"):
        open_client("mtgox")


def test_every_exchange_whose_manners_are_known_can_be_opened():
    assert {*PROVIDERS} == {*EXCHANGES, "coingecko", "defillama"}


def test_a_plan_does_not_show_its_key():
    plan = choose_plan({"COINGECKO_API_KEY": "very-secret"})

    assert "very-secret" not in repr(plan)
    assert plan.headers == {"x-cg-demo-api-key": "very-secret"}


def python(code: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    return found.stdout + found.stderr


def test_naming_the_providers_imports_none_of_their_libraries():
    code = (
        "import sys, actors.feeds.clients\n"
        "print({'ccxt', 'httpx', 'aiohttp'} & {name for name in sys.modules})"
    )

    assert python(code) == "set()\n"


def test_help_imports_nothing_of_this():
    code = (
        "import sys\n"
        "from actors.app.cli import cli\n"
        "try:\n    cli(['--help'], 'arena')\n"
        "except SystemExit:\n"
        "    print({'ccxt', 'httpx', 'pyarrow', 'tenacity', 'actors.feeds'} & {*sys.modules})\n"
    )

    assert python(code).splitlines()[-1] == "set()"


@pytest.mark.parametrize("provider", ["binance", "coingecko", "defillama"])
def test_without_the_extra_the_error_says_how_to_get_it(provider):
    code = (
        "import sys; sys.modules['ccxt'] = sys.modules['httpx'] = None\n"
        f"from actors.feeds.clients import open_client; open_client({provider!r})"
    )

    assert "needed pip install 'treasury-arena[data]'" in python(code)
