"""Turns of browser steps: never more than may be, the urgent first, and none for which there is no memory."""

import asyncio
import contextvars
from pathlib import Path

import psutil

from seezar.browser.memory import free_bytes
from seezar.browser.pool import BrowserPool
from seezar.browser.turns import Turns, urgency
from tests.chromium import browser_settings

MEGABYTE = 2**20


class Memory:
    """What a test says is free."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.read = asyncio.Event()

    def __call__(self) -> int:
        self.read.set()
        return self.free


class Work:
    """Steps that take a turn, say that they have it, and end when they are told to."""

    def __init__(self, turns: Turns | BrowserPool) -> None:
        self.turns = turns
        self.began: asyncio.Queue[str] = asyncio.Queue()
        self.running: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, *, rank: int = 0) -> None:
        context = contextvars.copy_context()
        context.run(urgency.set, rank)
        self.tasks[name] = asyncio.get_running_loop().create_task(self._step(name), context=context)

    async def _step(self, name: str) -> None:
        async with self.turns.turn():
            self.running[name] = asyncio.Event()
            self.began.put_nowait(name)
            await self.running[name].wait()
            del self.running[name]

    async def next(self) -> str:
        """Which one has come to its turn."""
        return await asyncio.wait_for(self.began.get(), 60)

    async def end(self, name: str) -> None:
        self.running[name].set()
        await self.tasks[name]

    async def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def settled() -> None:
    """Whatever can go on without anything new has done so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_urgent_come_first_and_of_the_others_who_came_first() -> None:
    work = Work(Turns(1, free=lambda: 0, least_free=0))
    work.start("first")
    assert await work.next() == "first"
    for name, rank in (("late", 20), ("third", 11), ("second", 10), ("fourth", 11)):
        work.start(name, rank=rank)
    await settled()
    order: list[str] = []
    name = "first"
    for _ in range(4):
        await work.end(name)
        name = await work.next()
        order.append(name)
    assert order == ["second", "third", "fourth", "late"]
    await work.stop()


async def test_no_more_than_may_be_and_who_gave_up_holds_nobody_up() -> None:
    work = Work(Turns(2, free=lambda: 0, least_free=0))
    for name in ("a", "b", "c", "d"):
        work.start(name)
    assert [await work.next(), await work.next()] == ["a", "b"]
    await settled()
    assert sorted(work.running) == ["a", "b"]
    work.tasks["c"].cancel()
    await settled()
    await work.end("a")
    assert await work.next() == "d"
    # One that is cancelled at the very moment at which its turn comes gives it back.
    work.start("e")
    await settled()
    work.running["b"].set()
    await asyncio.sleep(0)
    work.tasks["e"].cancel()
    await settled()
    work.start("f")
    assert await work.next() in ("e", "f")
    await work.stop()


async def test_a_further_step_waits_for_memory_and_the_only_one_does_not() -> None:
    memory = Memory(free=0)
    pool = BrowserPool(browser_settings(browsers=2, browser_memory_mb=300, cdp_url="http://127.0.0.1:9"), free=memory)
    # A browser that runs elsewhere takes its memory there.
    elsewhere = Work(pool)
    for name in ("a", "b"):
        elsewhere.start(name)
    assert {await elsewhere.next(), await elsewhere.next()} == {"a", "b"}
    await elsewhere.stop()

    work = Work(Turns(2, free=memory, least_free=300 * MEGABYTE))
    work.start("only")
    assert await work.next() == "only"
    memory.read.clear()
    work.start("second")
    await asyncio.wait_for(memory.read.wait(), 60)
    await settled()
    assert list(work.running) == ["only"]
    # Nobody tells that memory has come back; it is looked at again.
    memory.free = 301 * MEGABYTE
    assert await work.next() == "second"
    memory.free = 0
    work.start("third")
    await settled()
    await work.end("only")
    await settled()
    assert list(work.running) == ["second"]
    await work.end("second")
    assert await work.next() == "third"
    await work.stop()


async def test_the_pool_looks_at_memory() -> None:
    memory = Memory(free=0)
    work = Work(BrowserPool(browser_settings(browsers=64, browser_memory_mb=300), free=memory))
    work.start("only")
    assert await work.next() == "only"
    work.start("second")
    await settled()
    assert list(work.running) == ["only"]
    await work.end("only")
    assert await work.next() == "second"
    await work.stop()


def test_what_is_free_is_that_of_the_machine_or_of_the_control_group(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    inner = groups / "box" / "unit"
    inner.mkdir(parents=True)
    (proc / "self" / "cgroup").write_text("0::/box/unit\n")
    machine = psutil.virtual_memory().available
    assert free_bytes(proc=proc, cgroups=groups) > machine / 2

    # The limit may be one of a group further out; what it has read from files is given back.
    (inner / "memory.max").write_text("max\n")
    (inner / "memory.current").write_text(f"{90 * MEGABYTE}\n")
    (groups / "box" / "memory.max").write_text(f"{100 * MEGABYTE}\n")
    (groups / "box" / "memory.current").write_text(f"{90 * MEGABYTE}\n")
    assert free_bytes(proc=proc, cgroups=groups) == 10 * MEGABYTE
    (groups / "box" / "memory.stat").write_text(f"anon 1\ninactive_file {20 * MEGABYTE}\n")
    assert free_bytes(proc=proc, cgroups=groups) == 30 * MEGABYTE
    (groups / "box" / "memory.current").write_text(f"{150 * MEGABYTE}\n")
    assert free_bytes(proc=proc, cgroups=groups) == 0

    # Version 1 has a tree of its own for memory.
    old = tmp_path / "old"
    (old / "memory" / "docker").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text("11:cpu,cpuacct:/docker\n4:memory:/docker\n")
    (old / "memory" / "docker" / "memory.limit_in_bytes").write_text(f"{50 * MEGABYTE}\n")
    (old / "memory" / "docker" / "memory.usage_in_bytes").write_text(f"{20 * MEGABYTE}\n")
    assert free_bytes(proc=proc, cgroups=old) == 30 * MEGABYTE
