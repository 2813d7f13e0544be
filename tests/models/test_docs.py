"""The page about the offline model tells the truth."""

import re
from pathlib import Path

from seezar.models.rules.grammar import parse
from seezar.models.rules.intents import Action

PAGE = Path(__file__).parents[2] / "docs" / "offline-model.md"


def sentences() -> list[str]:
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [row for row in rows if row != "say"]


def test_every_sentence_of_the_page_is_understood_and_every_action_has_one() -> None:
    understood = {sentence: [intent.action for intent in parse(sentence)] for sentence in sentences()}
    assert len(understood) == 37
    assert all(len(actions) == 1 for actions in understood.values()), understood
    said = {actions[0] for actions in understood.values()}
    assert said == set(Action) - {Action.THANKS, Action.REFUSED, Action.UNKNOWN}
