"""The short kill matrix: whatever is killed, the run ends as it must, and nothing is done twice or left behind."""

import pytest

from tests.chaos.cases import SHORT, Case, run_case
from tests.chaos.checks import aftermath
from tests.chaos.world import ChaosWorld

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.mark.parametrize("case", SHORT, ids=str)
async def test_killed(chaos: ChaosWorld, case: Case) -> None:
    await chaos.crew.keep(2, ready=1)
    found = await run_case(chaos, case)
    assert found.faults == []
    assert await aftermath(chaos) == []
