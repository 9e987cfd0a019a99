"""One finished run, and the web app on a run, asked in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
import structlog
from click.testing import CliRunner
from fastapi import FastAPI

from actors.app.cli import cli
from actors.app.http.app import make_app
from actors.app.http.reading import Reading
from actors.app.http.source import Source

CONFIG = """
[run]
name = "seen"
seed = 11
days = 40
[market]
warmup_days = 40
[population]
agents = 16
[ladder]
seats_max = 3
arena_agents_max = 4
[rules.seat]
all = [{ metric = "fitness", op = ">", value = 0.5 }, { metric = "age", op = ">=", value = 7 }]
[[rules.kill]]
id = "dull"
all = [{ metric = "fitness", op = "<", value = 0.3 }, { metric = "age", op = ">=", value = 7 }]
[rules.entry]
all = [{ metric = "fitness", op = ">", value = 1.5 }, { metric = "age", op = ">=", value = 7 }]
"""


class Web:
    """The app on one run: `get` asks it under `/api/v1/`."""

    def __init__(self, client: httpx.AsyncClient, app: FastAPI) -> None:
        self.client = client
        self.app = app
        self.reading: Reading = app.state.reading

    async def get(self, path: str, **params: object) -> httpx.Response:
        given = {name.rstrip("_"): str(value) for name, value in params.items()}
        return await self.client.get(f"/api/v1/{path}", params=given)

    async def all_read(self, seq: int = 0) -> None:
        """Wait until the whole journal, and `seq` entries at least, or all there can, are read."""
        follower = self.reading.follower
        while follower.progress.done < max(seq, follower.progress.total, 1):
            if follower.trouble is not None:
                break
            await follower.change(0.05)


OpenWeb: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Web]]


@asynccontextmanager
async def web_on(run: Path) -> AsyncIterator[Web]:
    """Serve `run` in this process until the end of the block."""
    app = make_app(Source(run))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        web = Web(client, app)
        await web.all_read()
        yield web


@pytest.fixture
def open_web() -> OpenWeb:
    return web_on


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run in which agents rose, died and were born.  Read only."""
    folder = tmp_path_factory.mktemp("seen")
    (folder / "seen.toml").write_text(CONFIG)
    words = ["run", str(folder / "seen.toml"), "--out", str(folder / "run")]
    result = CliRunner().invoke(cli, words, prog_name="arena")
    structlog.reset_defaults()
    assert result.exit_code == 0, result.output
    return folder / "run"
