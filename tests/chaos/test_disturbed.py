"""What else goes wrong: whatever it is, the run ends as it must, and nothing is done twice or left behind."""

import pytest

from tests.chaos.checks import aftermath
from tests.chaos.disturbances import AWAY, POSTMASTER, SHORT, database_away
from tests.chaos.world import ChaosWorld, chaos_world
from tests.relay import Relay

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.mark.parametrize("disturbance", SHORT)
async def test_disturbed(chaos: ChaosWorld, disturbance: str) -> None:
    await chaos.crew.keep(2, ready=2)
    found = await SHORT[disturbance](chaos)
    assert found.faults == []
    assert await aftermath(chaos) == []


async def test_database_away(postgres: str) -> None:
    with Relay(postgres) as relay:
        async with chaos_world(relay.url, each=1, workers=1) as chaos:
            found = await database_away(relay, *AWAY[0])(chaos)
            assert found.faults == []
            assert await aftermath(chaos) == []


async def test_postgresql_killed() -> None:
    async with chaos_world(None, each=1, workers=1) as chaos:
        found = await POSTMASTER["the mail"](chaos)
        assert found.faults == []
        assert await aftermath(chaos) == []
