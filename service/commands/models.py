"""`seezar models list | test | quota`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.models.choice import Limit
    from seezar.models.ledger import Usage
    from seezar.models.overview import Standing, Trial
    from seezar.models.pool import Pool

app = typer.Typer(help="Models: the pool of litellm_config.yaml, and what is left of it.", no_args_is_help=True)

_JSON = typer.Option("--json", help="Print one JSON object.")


@app.command("list")
@guarded()
def list_models(as_json: Annotated[bool, _JSON] = False) -> None:
    """List the deployments: which can be asked, which rest and until when, which lack a key."""
    from service.ground import with_application
    from service.terminal import note, print_json, table

    async def load(application: "Application") -> "tuple[list[Standing], Pool]":
        from seezar.models.overview import standings

        return await standings(application.models), application.models.pool

    rows, pool = with_application(load)
    if as_json:
        replayed = str(pool.replayed) if pool.replayed else None
        models = [_row(row) for row in rows]
        print_json({"offline": pool.is_offline, "proxy": pool.proxy, "replayed": replayed, "models": models})
        return
    table(
        ("GROUP", "TIER", "ID", "MODEL", "STATE", "TODAY"),
        [
            (
                row.deployment.group,
                str(row.deployment.order),
                row.deployment.name,
                row.deployment.model,
                _state(row),
                _used(row.today),
            )
            for row in rows
        ],
    )
    if pool.is_offline:
        note("No key is set: the built-in rules answer. One key of the list is enough to ask a model.")
    elif pool.proxy:
        note(f"All of them are asked through the LiteLLM proxy at {pool.proxy}, which has quotas of its own.")
    elif pool.replayed:
        note(f"Nobody is asked: the recording {pool.replayed} answers.")


@app.command("test")
@guarded()
def try_models(
    name: Annotated[str, typer.Argument(metavar="[GROUP|ID]", help="Only these; all when left out.")] = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Ask each model for a word and show what it says. One that answers is asked again from now on."""
    from service.ground import with_application
    from service.terminal import note, print_json, say

    async def ask(application: "Application") -> "list[Trial]":
        from seezar.models.overview import trials

        found: list[Trial] = []
        async for trial in trials(application.models, name or None):
            found.append(trial)
            if not as_json:
                say(f"{trial.deployment.name}: {_said(trial)} ({trial.seconds:.1f} s)", style=_style(trial))
        return found

    found = with_application(ask)
    if as_json:
        print_json(
            {
                "models": [
                    {
                        "id": trial.deployment.name,
                        "model": trial.deployment.model,
                        "seconds": round(trial.seconds, 3),
                        "status": trial.failure.kind if trial.failure else "ok",
                    }
                    for trial in found
                ]
            }
        )
    elif not found:
        note("There is no such model with a key. seezar models list shows what each of them needs.")
    if not found or any(trial.failure for trial in found):
        raise typer.Exit(1)


@app.command()
@guarded()
def quota(as_json: Annotated[bool, _JSON] = False) -> None:
    """Show what is used of what the providers give for nothing, counted over all processes."""
    from service.ground import with_application
    from service.terminal import note, print_json, table

    async def load(application: "Application") -> "list[Limit]":
        from seezar.models.overview import limits

        return await limits(application.models)

    rows = with_application(load)
    if as_json:
        print_json({"quotas": [_limit(row) for row in rows]})
        return
    if not rows:
        note("No model with a quota has a key.")
        return
    table(
        ("QUOTA", "LIMIT", "USED", "LEFT", "BEGINS ANEW"),
        [
            (
                row.quota,
                f"{row.most:,} {row.unit}",
                f"{row.used:,}",
                f"{max(0, row.most - row.used):,}",
                _at(row.resets_at),
            )
            for row in rows
        ],
    )


def _row(row: "Standing") -> dict[str, Any]:
    deployment, idle, today = row.deployment, row.idle, row.today
    return {
        "group": deployment.group,
        "tier": deployment.order,
        "id": deployment.name,
        "model": deployment.model,
        "state": "no_key" if row.missing else "idle" if idle else "ready",
        "missing": list(row.missing),
        "reason": idle.reason if idle else None,
        "until": _moment(idle.until) if idle else None,
        "requests_today": today.requests,
        "failures_today": today.failures,
        "tokens_today": today.tokens,
        "cost_usd_today": today.cost_usd,
    }


def _limit(row: "Limit") -> dict[str, Any]:
    return {
        "quota": row.quota,
        "unit": row.unit,
        "most": row.most,
        "used": row.used,
        "resets_at": _moment(row.resets_at),
    }


def _state(row: "Standing") -> str:
    if row.missing:
        return f"no key: {', '.join(row.missing)}"
    return f"{row.idle.reason.replace('_', ' ')} until {_at(row.idle.until)}" if row.idle else "ready"


def _used(today: "Usage") -> str:
    if not today.requests:
        return ""
    failed = f", {today.failures} failed" if today.failures else ""
    return f"{today.requests} requests{failed}, {today.tokens:,} tokens"


def _said(trial: "Trial") -> str:
    return trial.failure.kind.replace("_", " ") if trial.failure else f"“{trial.text.strip()[:60]}”"


def _style(trial: "Trial") -> str:
    return "red" if trial.failure else "green"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _at(at: float) -> str:
    return f"{_moment(at):%Y-%m-%d %H:%M:%S} UTC"
