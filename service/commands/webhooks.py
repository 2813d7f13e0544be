"""`seezar webhook list|add|show|enable|disable|rotate-secret|ping|deliveries|retry|remove`."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.webhooks import Delivery, Webhook, WithSecret

app = typer.Typer(help="Webhooks: programs elsewhere that are told what happens.", no_args_is_help=True)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a webhook.", show_default=False, autocompletion=completing.webhooks)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
@guarded()
def list_webhooks(as_json: AsJson = False) -> None:
    """List the webhooks."""
    from service.ground import with_application
    from service.terminal import note, print_json, table

    async def load(application: "Application") -> "list[Webhook]":
        return await application.webhooks.list()

    found = with_application(load)
    if as_json:
        print_json({"webhooks": [asdict(webhook) for webhook in found]})
    elif found:
        table(("ID", "STATE", "EVENTS", "URL"), [(w.id, _state(w), " ".join(w.events), w.url) for w in found])
    else:
        note("There are no webhooks.")


@app.command()
@guarded()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is told: https.", show_default=False)],
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="EVENT",
            help="Repeatable; all when left out.",
            show_default=False,
            autocompletion=completing.events,
        ),
    ] = None,
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Register a webhook. Its secret is printed this once."""

    async def work(application: "Application") -> "WithSecret":
        from seezar.webhooks import NewWebhook

        return await application.webhooks.add(NewWebhook(url, tuple(event or ()), description))

    _show_secret(work, as_json=as_json)


@app.command("rotate-secret")
@guarded()
def rotate_secret(webhook: Id, as_json: AsJson = False) -> None:
    """Give a webhook a new secret, printed this once. For a day it is sent signatures of both."""

    async def work(application: "Application") -> "WithSecret":
        return await application.webhooks.rotate(webhook)

    _show_secret(work, as_json=as_json)


@app.command()
@guarded()
def show(webhook: Id, as_json: AsJson = False) -> None:
    """Show a webhook."""

    async def work(application: "Application") -> "Webhook":
        return await application.webhooks.get(webhook)

    _show(work, as_json=as_json)


@app.command()
@guarded()
def enable(webhook: Id, as_json: AsJson = False) -> None:
    """Tell a disabled webhook again what happens from now on, and what still waits."""

    async def work(application: "Application") -> "Webhook":
        return await application.webhooks.change(webhook, enabled=True)

    _show(work, as_json=as_json)


@app.command()
@guarded()
def disable(webhook: Id, as_json: AsJson = False) -> None:
    """Tell a webhook nothing for a while."""

    async def work(application: "Application") -> "Webhook":
        return await application.webhooks.change(webhook, enabled=False)

    _show(work, as_json=as_json)


@app.command()
@guarded()
def ping(webhook: Id, as_json: AsJson = False) -> None:
    """Send a `ping` as a test; `seezar webhook deliveries` tells what came of it."""

    async def work(application: "Application") -> "Delivery":
        return await application.outbox.get(webhook, await application.webhooks.ping(webhook))

    _show_delivery(work, as_json=as_json)


@app.command()
@guarded()
def retry(
    webhook: Id,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Id of a delivery.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Send something once more at once; its id is the same."""

    async def work(application: "Application") -> "Delivery":
        return await application.outbox.again(webhook, delivery)

    _show_delivery(work, as_json=as_json)


@app.command()
@guarded()
def deliveries(
    webhook: Id,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most N.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what a webhook was told, or is to be told."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> "list[Delivery]":
        await application.webhooks.get(webhook)
        return await application.outbox.list(webhook, limit=limit)

    found = with_application(load)
    if as_json:
        print_json({"deliveries": [_object(delivery) for delivery in found]})
    elif found:
        rows = [(d.id, moment(d.created_at), d.event, d.status, str(d.tries), d.problem) for d in found]
        table(("ID", "AT", "EVENT", "STATUS", "TRIES", "PROBLEM"), rows)
    else:
        note("It was told nothing yet.")


@app.command()
@guarded()
def remove(webhook: Id, as_json: AsJson = False) -> None:
    """Forget a webhook with all that waits for it."""
    from service.ground import with_application
    from service.terminal import print_json, say

    async def work(application: "Application") -> None:
        await application.webhooks.remove(webhook)

    with_application(work)
    if as_json:
        print_json({"webhook": webhook, "removed": True})
    else:
        say("The webhook is forgotten.", style="green")


def _show_secret(work: "Callable[[Application], Awaitable[WithSecret]]", *, as_json: bool) -> None:
    from service.ground import with_application
    from service.terminal import note, print_json, say

    made = with_application(work)
    if as_json:
        print_json({**asdict(made.webhook), "secret": made.secret})
        return
    say(f"Webhook {made.webhook.id} tells {made.webhook.url}: {' '.join(made.webhook.events)}.", style="green")
    say(f"Secret: {made.secret}")
    note("It is shown this once. Give it to the receiver, which verifies the signatures with it.")


def _show(work: "Callable[[Application], Awaitable[Webhook]]", *, as_json: bool) -> None:
    from service.ground import with_application
    from service.terminal import fields, moment, print_json

    webhook = with_application(work)
    if as_json:
        print_json(asdict(webhook))
        return
    fields(
        [
            ("webhook", webhook.id),
            ("url", webhook.url),
            ("events", " ".join(webhook.events)),
            ("state", _state(webhook)),
            ("description", webhook.description),
            ("made", f"{moment(webhook.created_at)} by {webhook.made_by}"),
        ]
    )


def _show_delivery(work: "Callable[[Application], Awaitable[Delivery]]", *, as_json: bool) -> None:
    from service.ground import with_application
    from service.terminal import print_json, say

    delivery = with_application(work)
    if as_json:
        print_json(_object(delivery))
    else:
        say(f"{delivery.event} {delivery.id} is sent by the worker.", style="green")


def _state(webhook: "Webhook") -> str:
    return "enabled" if webhook.enabled else f"disabled: {webhook.problem}" if webhook.problem else "disabled"


def _object(delivery: "Delivery") -> dict[str, Any]:
    return {**asdict(delivery), "status": delivery.status}
