"""Who is asked next: quotas of a minute, a day and a month, in common or not."""

from pathlib import Path

import pytest
import yaml

from seezar.models.choice import Choice
from seezar.models.ledger import Known, Usage
from seezar.models.pool import load_pool

NOW = 1_800_000_000.0


class Chooser:
    """A choice among deployments of the group fast, with a clock that a test moves."""

    def __init__(self, folder: Path, **deployments: dict[str, object]) -> None:
        entries = [
            {
                "model_name": "fast",
                "litellm_params": {"model": f"openai/{name}", "order": order, "rpm": said.pop("rpm", None)},
                "model_info": {"id": name, "quota": said},
            }
            for order, (name, said) in enumerate(deployments.items(), start=1)
        ]
        path = folder / "pool.yaml"
        path.write_text(yaml.safe_dump({"model_list": entries}))
        self.now = NOW
        self.known = Known()
        self.choice = Choice(load_pool(path), clock=lambda: self.now)

    def ask(self) -> str | None:
        """The name of the one that is asked now."""
        chosen = self.choice.next(["fast"], self.known, ())
        if chosen is None:
            return None
        self.choice.begin(chosen, self.known)
        self.choice.end(chosen)
        return chosen.name


def test_no_more_in_a_minute_than_the_provider_gives(tmp_path: Path) -> None:
    chooser = Chooser(tmp_path, a={"rpm": 2}, b={})
    assert [chooser.ask() for _ in range(3)] == ["a", "a", "b"]
    chooser.now += 59
    assert chooser.ask() == "b"
    chooser.now += 2
    assert [chooser.ask() for _ in range(3)] == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("quota", "used", "left"),
    [
        ({"requests_per_day": 5}, Usage(4), True),
        ({"requests_per_day": 5}, Usage(5), False),
        ({"tokens_per_day": 100}, Usage(1, 0, 60, 39), True),
        ({"tokens_per_day": 100}, Usage(1, 0, 60, 40), False),
        ({"requests_per_month": 7}, Usage(7), False),
    ],
)
def test_nobody_is_asked_beyond_a_quota(tmp_path: Path, quota: dict[str, object], used: Usage, left: bool) -> None:
    chooser = Chooser(tmp_path, a=dict(quota), b={})
    chooser.known.today["a"] = chooser.known.month["a"] = used
    assert chooser.ask() == ("a" if left else "b")


def test_what_is_shared_is_counted_together(tmp_path: Path) -> None:
    chooser = Chooser(
        tmp_path,
        a={"shared": "free", "requests_per_day": 5, "rpm": 3},
        b={"shared": "free", "requests_per_day": 5, "rpm": 3},
        c={},
    )
    assert [chooser.ask() for _ in range(4)] == ["a", "a", "a", "c"]
    chooser.now += 61
    chooser.known.today |= {"a": Usage(3), "b": Usage(2)}
    assert chooser.ask() == "c"


def test_until_when_is_told(tmp_path: Path) -> None:
    chooser = Chooser(tmp_path, a={"requests_per_day": 1})
    chooser.known.today["a"] = Usage(1)
    [deployment] = [d for d in chooser.choice.pool.of("fast") if d.name == "a"]
    idle = chooser.choice.idle(deployment, chooser.known)
    assert idle is not None
    assert (idle.reason, idle.until % 86_400) == ("1 requests a day spent", 0)
    assert chooser.ask() is None
