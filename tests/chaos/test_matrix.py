"""The short kill matrix: whatever is killed, the run ends as it must, and nothing is done twice or left behind."""

import pytest

from tests.chaos.cases import SHORT, Case, run_case
from tests.chaos.checks import aftermath
from tests.chaos.disturbances import AWAY, POSTMASTER, database_away
from tests.chaos.disturbances import SHORT as SHORT_DISTURBANCES
from tests.chaos.world import ChaosWorld, chaos_world
from tests.relay import Relay

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.mark.parametrize("case", SHORT, ids=str)
async def test_killed(chaos: ChaosWorld, case: Case) -> None:
    await chaos.crew.keep(2, ready=1)
    found = await run_case(chaos, case)
    assert found.faults == []
    assert await aftermath(chaos) == []


@pytest.mark.parametrize("disturbance", SHORT_DISTURBANCES)
async def test_disturbed(chaos: ChaosWorld, disturbance: str) -> None:
    await chaos.crew.keep(2, ready=2)
    found = await SHORT_DISTURBANCES[disturbance](chaos)
    assert found.faults == []
    assert await aftermath(chaos) == []


async def test_database_away(postgres: str) -> None:
    async with Relay(postgres) as relay, chaos_world(relay.url, each=1, workers=1) as chaos:
        found = await database_away(relay, *AWAY[0])(chaos)
        assert found.faults == []
        assert await aftermath(chaos) == []


async def test_postgresql_killed() -> None:
    async with chaos_world(None, each=1, workers=1) as chaos:
        found = await POSTMASTER["the mail"](chaos)
        assert found.faults == []
        assert await aftermath(chaos) == []
