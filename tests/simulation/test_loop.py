"""On a `SimLoop` the seed decides who runs, asyncio's promises are kept, and nothing gets out."""

from __future__ import annotations

import asyncio
import threading

import pytest

from actors.simulator import DeadlockError, EscapedError, Explore, simulate
from actors.simulator.loop import EndlessError, SimLoop


async def three_writers() -> str:
    """Return who put what into a queue, in the order in which it came out."""
    queue: asyncio.Queue[str] = asyncio.Queue(2)
    taken: list[str] = []

    async def write(name: str) -> None:
        for n in range(3):
            await asyncio.sleep(0)
            await queue.put(f"{name}{n}")

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(write(name))
        while len(taken) < 9:
            taken += [await queue.get()]
    return " ".join(taken)


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    runs = [simulate(three_writers, seed=seed) for seed in range(30)]

    assert runs == [simulate(three_writers, seed=seed) for seed in range(30)]
    assert len({run.fingerprint for run in runs}) == 30
    assert len({run.value for run in runs}) > 20


@pytest.mark.parametrize("explore", Explore)
def test_the_steps_of_one_task_keep_their_order(explore: Explore) -> None:
    for seed in range(20):
        taken = simulate(three_writers, seed=seed, explore=explore).value.split()

        for name in "abc":
            assert [each for each in taken if each[0] == name] == [f"{name}{n}" for n in range(3)]


def test_first_in_first_out_is_what_the_stock_loop_does() -> None:
    stock = asyncio.run(three_writers())

    assert {simulate(three_writers, seed=s, explore=Explore.FIFO).value for s in range(5)} == {
        stock
    }


def test_time_passes_when_nobody_can_run() -> None:
    async def wait() -> float:
        try:
            async with asyncio.timeout(86_400 * 30):
                await asyncio.sleep(86_400 * 365)
        except TimeoutError:
            return asyncio.get_running_loop().time()
        return 0.0

    run = simulate(wait, seed=1)

    assert run.value == run.virtual_s == pytest.approx(86_400 * 30)


def test_a_deadlock_says_where_every_task_waits() -> None:
    async def wait_for_nothing() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for_nothing(), name="left")
            group.create_task(wait_for_nothing(), name="right")

    with pytest.raises(DeadlockError) as caught:
        simulate(main, seed=1)

    for line in ("left: ", "right: "):
        assert line in str(caught.value)
    assert str(caught.value).count("wait_for_nothing:") == 2
    assert "TaskGroup.__aexit__" in str(caught.value)


def test_a_run_that_takes_too_many_steps_comes_to_an_end() -> None:
    async def main() -> None:
        for _ in range(1_000):
            await asyncio.sleep(0)

    with pytest.raises(EndlessError, match="no end after 500 steps"):
        simulate(main, seed=1, steps_max=500)


def test_a_thread_cannot_escape() -> None:
    async def into_an_executor() -> None:
        await asyncio.get_running_loop().run_in_executor(None, print)

    async def back_from_a_thread() -> object:
        loop = asyncio.get_running_loop()
        raised = []

        def call() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except EscapedError as error:
                raised.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return raised[0]

    with pytest.raises(EscapedError, match="was to run in a thread"):
        simulate(into_an_executor, seed=1)
    assert isinstance(simulate(back_from_a_thread, seed=1).value, EscapedError)


def test_a_task_that_is_left_behind_is_reported() -> None:
    kept = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        kept.append(loop.create_task(asyncio.sleep(10), name="forgotten"))

    (left,) = simulate(main, seed=1).left

    assert left.startswith("forgotten: sleep:")


def test_an_error_that_nobody_looks_at_is_reported() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    (left,) = simulate(main, seed=1).left

    assert "ZeroDivisionError" in left


def test_this_python_lets_a_loop_choose_who_is_ready() -> None:
    """`_ready` is asyncio's own: this is all that the loop relies on, on every Python.

    `BaseEventLoop` keeps handles in it with `append` and takes them with `popleft`; it looks at its
    length to know whether it may wait; a task's steps are callbacks bound to the task.
    """
    seen = []

    class Spy(SimLoop):
        def __init__(self) -> None:
            super().__init__(1)
            ready, append = self._ready, self._ready.append

            def noted(handle: asyncio.Handle) -> None:
                seen.append(getattr(handle._callback, "__self__", None))
                append(handle)

            ready.append = noted  # type: ignore[method-assign]

    async def main() -> None:
        await asyncio.sleep(0)
        woken = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1, woken.set_result, None)
        await woken

    loop = Spy()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()

    tasks = [owner for owner in seen if isinstance(owner, asyncio.Task)]
    assert len(set(tasks)) == 1
    assert len(tasks) == 3, "the first step, the one after `sleep(0)`, and the wake-up"
