"""`seezar notices list`."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts.notices import Delivery, Notice
    from seezar.application import Application

app = typer.Typer(help="Notices: what people were told about accounts.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("list")
@guarded()
def list_notices(
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most N.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the newest notices, and whether they were delivered."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> "list[tuple[Notice, list[Delivery]]]":
        return await application.notices.list(limit=limit)

    found = with_application(load)
    if as_json:
        print_json(
            {
                "notices": [
                    {
                        "id": notice.id,
                        "account": notice.account,
                        "kind": notice.kind,
                        "run_id": notice.run_id,
                        "text": notice.text,
                        "next_step": notice.next_step,
                        "created_at": notice.created_at,
                        "deliveries": [
                            {
                                "channel": delivery.channel,
                                "tries": delivery.tries,
                                "sent_at": delivery.sent_at,
                                "next_at": delivery.next_at,
                                "problem": delivery.problem,
                            }
                            for delivery in deliveries
                        ],
                    }
                    for notice, deliveries in found
                ]
            }
        )
        return
    if not found:
        note("There are no notices.")
        return
    rows = [
        (moment(notice.created_at), notice.kind, notice.text, ", ".join(map(_told, deliveries)) or "nowhere to go")
        for notice, deliveries in found
    ]
    table(("AT", "KIND", "TEXT", "DELIVERED"), rows)


def _told(delivery: "Delivery") -> str:
    if delivery.sent_at is not None:
        return f"{delivery.channel}: yes"
    if delivery.next_at is None:
        return f"{delivery.channel}: given up, {delivery.problem}"
    return f"{delivery.channel}: {delivery.problem or 'due'} (tried {delivery.tries} times)"
