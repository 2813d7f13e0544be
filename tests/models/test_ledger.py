"""The ledger: what is counted and what rests, in all processes; and what holds while the database is away."""

import asyncio

from seezar.database import Database
from seezar.errors import DatabaseUnavailable
from seezar.models.failures import Failure, Kind
from seezar.models.ledger import Ledger, Rest, Usage, next_day, next_month

# 2027-01-31 23:59:50 UTC.
EVE = 1_801_439_990.0


class Clock:
    """Epoch seconds that a test moves."""

    def __init__(self, now: float = EVE) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def ledger_of(database: Database, clock: Clock) -> Ledger:
    async def opened() -> Database:
        return database

    return Ledger(opened, clock=clock)


async def test_two_processes_count_together(database: Database) -> None:
    clock = Clock()
    one, two = ledger_of(database, clock), ledger_of(database, clock)
    one.used("d", Usage(1, 0, 10, 5, 0.5))
    two.used("d", Usage(1, 1))
    two.used("e", Usage(1))
    # Both know at once what they did themselves.
    assert (await one.known()).today["d"].requests in (1, 2)
    await asyncio.gather(one.close(), two.close())
    clock.now += 2
    for ledger in (one, two):
        known = await ledger.known()
        assert known.today == {"d": Usage(2, 1, 10, 5, 0.5), "e": Usage(1)}
        assert known.month == known.today


async def test_days_and_months_begin_anew(database: Database) -> None:
    clock = Clock(EVE - 86_400)
    ledger = ledger_of(database, clock)
    ledger.used("d", Usage(3))
    await ledger.close()
    clock.now = EVE
    known = await ledger.known()
    assert (known.today, known.month) == ({}, {"d": Usage(3)})
    assert next_day(EVE) == next_month(EVE) == EVE + 10
    clock.now = EVE + 11
    known = await ledger.known()
    assert (known.today, known.month) == ({}, {})


async def test_a_rest_holds_for_all_and_ends_for_all(database: Database) -> None:
    clock = Clock()
    one, two = ledger_of(database, clock), ledger_of(database, clock)
    rest = one.failed("d", Failure(Kind.BROKEN), cooldown=60)
    assert rest == Rest(EVE + 60, "broken", 1)
    await one.close()
    assert (await two.known()).rests == {"d": rest}
    # It was asked before it was known to fail: no second failure.
    assert two.failed("d", Failure(Kind.NO_ANSWER), cooldown=60) == rest
    clock.now += 61
    again = two.failed("d", Failure(Kind.NO_ANSWER), cooldown=60)
    assert again == Rest(clock.now + 120, "no_answer", 2)
    await two.close()
    clock.now += 2
    assert (await one.known()).rests == {"d": again}
    one.recovered("d")
    assert one.rest_of("d") is None
    await one.close()
    clock.now += 2
    assert (await two.known()).rests == {}


async def test_what_was_just_found_out_is_not_forgotten_by_what_is_read(database: Database) -> None:
    clock = Clock()
    ledger = ledger_of(database, clock)
    reading = asyncio.create_task(ledger.known())
    # The read is under way, and does not see this.
    await asyncio.sleep(0)
    ledger.failed("d", Failure(Kind.BROKEN), cooldown=60)
    assert "d" in (await reading).rests
    await ledger.close()


async def test_without_a_database_a_process_goes_by_what_it_knows() -> None:
    async def away() -> Database:
        raise DatabaseUnavailable("away")

    clock = Clock()
    ledger = Ledger(away, clock=clock)
    ledger.used("d", Usage(1))
    ledger.failed("d", Failure(Kind.BROKEN), cooldown=60)
    await ledger.close()
    clock.now += 2
    known = await ledger.known()
    assert known.today == {"d": Usage(1)}
    assert set(known.rests) == {"d"}


async def test_nobody_waits_long_for_a_database_that_hangs() -> None:
    hangs = asyncio.Event()

    async def slow() -> Database:
        await hangs.wait()
        raise DatabaseUnavailable("away")

    ledger = Ledger(slow)
    async with asyncio.timeout(5):
        await asyncio.gather(*(ledger.known() for _ in range(50)))
    hangs.set()
    await ledger.close()
