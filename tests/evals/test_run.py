"""`adk eval` tells right from wrong, and the offline set expects what the playground shows."""

import json
import shutil
from pathlib import Path

import pytest

from evals.run import ROOT, failures, offline_sets, run_set
from playground.data import DASHBOARDS
from seezar.models.rules.grammar import parse
from tests.world import make_world

HERE = Path(__file__).parent


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)  # `adk eval` imports for half a minute on a busy machine
async def test_a_wrong_expectation_fails_and_only_that(postgres: str, tmp_path: Path) -> None:
    folder = tmp_path / "coordinator"
    folder.mkdir()
    shutil.copy(HERE / "wrong.evalset.json", folder)
    shutil.copy(ROOT / "evals" / "coordinator" / "test_config.json", folder)
    no_providers = tmp_path / "pool.yaml"
    no_providers.write_text("model_list: []\n")
    async with make_world(postgres, page_timeout=60.0, litellm_config=no_providers) as world:
        outcome = await run_set(folder / "wrong.evalset.json", world.settings)
    assert (outcome.passed, outcome.failed) == (1, 3), outcome.output
    assert not outcome.good
    shown = failures(outcome.output)
    assert all(f"Eval Id: {name}\n" in shown for name in ("wrong_number", "wrong_tool", "unexpected_sign_in"))
    assert "Eval Id: right\n" not in shown


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_set_that_cannot_be_read_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "coordinator" / "broken.evalset.json"
    path.parent.mkdir()
    path.write_text("{")
    from seezar.settings import Settings

    outcome = await run_set(path, Settings(_env_file=None, home=tmp_path))  # pyright: ignore[reportCallIssue]
    assert (outcome.good, outcome.failed) == (False, -1)
    assert outcome.output


def test_the_numbers_that_are_expected_are_those_of_the_playground() -> None:
    expected = (ROOT / "evals" / "coordinator" / "offline.evalset.json").read_text(encoding="utf-8")
    for site in ("mail", "totp"):
        for row in DASHBOARDS[site].events:
            assert f"| {row.event} | {row.count:,} | {row.change_text} |" in expected


@pytest.mark.parametrize("path", offline_sets(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sets_are_well_formed(path: Path) -> None:
    cases = json.loads(path.read_text(encoding="utf-8"))["eval_cases"]
    assert len({case["eval_id"] for case in cases}) == len(cases)
    for case in cases:
        for turn in case["conversation"]:
            assert parse(turn["user_content"]["parts"][0]["text"]), case["eval_id"]
    assert (ROOT / "agents" / path.parent.name / "agent.py").is_file()
