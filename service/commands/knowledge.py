"""`seezar knowledge add|add-mail|search|list|remove|collections|drop|reembed`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seezar.errors import InvalidInput, SeezarError
from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.knowledge import Document, Passage, SavedDocument
    from seezar.knowledge.searching import Collection
    from workflows.client import Client

app = typer.Typer(help="Knowledge: documents that are kept, and found again with their source.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
InCollection = Annotated[
    str | None,
    typer.Option("--collection", metavar="NAME", help="Only this one.", autocompletion=completing.collections),
]
_SHOWN = 400
# As long as a run may take, and some queueing.
_PATIENCE_S = 6 * 3600.0 + 60.0
_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


class NotReembedded(SeezarError):
    """The run of a re-embedding ended without one; the collection is as it was."""

    status = "not_reembedded"

    def __init__(self, status: str, reason: str, run_id: str) -> None:
        super().__init__(
            f"It was not re-embedded ({status}). {reason}".rstrip(),
            kept="It has the vectors that it had; what was embedded is used when it is tried again.",
            next_step=f"See: seezar runs show {run_id}; try again: seezar runs retry {run_id}.",
        )


@app.command()
@guarded()
def add(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Files, or folders with all files in them.", show_default=False),
    ],
    collection: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Where to; made when it is not there.", autocompletion=completing.collections
        ),
    ] = "files",
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Of a new collection: wordllama, or an embedding model of the pool.")
    ] = "wordllama",
    as_json: AsJson = False,
) -> None:
    """Keep files: HTML, PDF, DOCX, Markdown, CSV, EML, text. One that has not changed is left alone.

    Another text of the same file replaces it. What cannot be read is said, and the others are kept: exit code 0 only
    when all were.
    """
    from service.ground import with_application
    from service.terminal import counting, note, print_json, say

    files = _files(paths)
    told: list[dict[str, Any]] = []

    async def work(application: "Application") -> None:
        knowledge = application.knowledge
        await application.collections.make(collection, model, knowledge.embedder(model))
        with counting(f"Keeping {len(files)} files", "done") as count:
            for number, file in enumerate(files, 1):
                try:
                    saved = await _kept(application, file, collection)
                except SeezarError as error:
                    told.append({"file": str(file), "status": error.status, "message": str(error)})
                    note(f"seezar: {error}", style="yellow")
                else:
                    told.append({"file": str(file), "status": _status(saved), "document_id": saved.id})
                count(number)

    with_application(work)
    kept = sum(1 for each in told if "document_id" in each)
    if as_json:
        print_json({"collection": collection, "kept": kept, "failed": len(told) - kept, "files": told})
    else:
        new = sum(1 for each in told if each["status"] in ("new", "replaced"))
        say(f"{kept} of {len(told)} files are kept in {collection}, {new} of them new or changed.", style="green")
    if kept < len(told):
        raise typer.Exit(1)


async def _kept(application: "Application", file: Path, collection: str) -> "SavedDocument":
    import asyncio

    from seezar.knowledge import NewDocument
    from seezar.knowledge.files import MAX_BYTES, read_file
    from seezar.knowledge.mails import document_of_mail

    def read() -> bytes:
        if file.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{file} is larger than {MAX_BYTES // 1_000_000} MB.", kept="It was left out.")
        return file.read_bytes()

    try:
        content = await asyncio.to_thread(read)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", kept="It was left out.") from None
    if file.suffix.lower() == ".eml":
        new = await asyncio.to_thread(document_of_mail, content, str(file))
    else:
        text = await asyncio.to_thread(read_file, content, file.name)
        new = NewDocument(text.title, text.text, str(file), "file", replaces=True)
    return await application.knowledge.add(new, collection=collection)


@app.command("add-mail")
@guarded()
def add_mail(
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="A mailbox.", show_default=False, autocompletion=completing.mailboxes),
    ],
    collection: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Where to; made when it is not there.", autocompletion=completing.collections
        ),
    ] = "mails",
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="The newest N mails.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Keep the mails of a mailbox: what a person sees of them, with codes, tokens and links masked."""
    from seezar.knowledge.embedding import WORDLLAMA, WordLlamaEmbedder
    from seezar.knowledge.mails import document_of_mail
    from service.ground import with_application
    from service.terminal import counting, tell

    async def work(application: "Application") -> tuple[int, int]:
        mail = application.mail
        mailbox = await mail.address(address)
        await mail.collect(mailbox)
        refs = (await mail.list_since(mailbox))[0][-limit:]
        owners = [each.name for each in await application.accounts.list() if each.mailbox == mailbox.address]
        await application.collections.make(collection, WORDLLAMA, WordLlamaEmbedder())
        new = 0
        with counting(f"Keeping {len(refs)} mails", "done") as count:
            for number, ref in enumerate(refs, 1):
                source = f"mail:{mailbox.address}/{await mail.handle(ref)}"
                account = owners[0] if len(owners) == 1 else None
                document = document_of_mail(await mail.source(ref), source, account=account, at=ref.received_at)
                new += (await application.knowledge.add(document, collection=collection)).new
                count(number)
        return len(refs), new

    kept, new = with_application(work)
    told = {"collection": collection, "kept": kept, "new": new}
    tell(f"{kept} mails are kept in {collection}, {new} of them new.", told, as_json=as_json)


def _files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            top = path.absolute()
            inside = sorted(each for each in top.rglob("*") if each.is_file())
            # Hidden ones are of programs, not of people.
            files += [f for f in inside if not any(part.startswith(".") for part in f.relative_to(top).parts)]
        elif path.is_file():
            files.append(path.absolute())
        else:
            raise InvalidInput(f"There is no file {path}.", kept="Nothing was kept.")
    if not files:
        raise InvalidInput("There are no files there.", kept="Nothing was kept.")
    return list(dict.fromkeys(files))


def _status(saved: "SavedDocument") -> str:
    return "replaced" if saved.replaced else "new" if saved.new else "unchanged"


@app.command()
@guarded()
def search(
    query: Annotated[str, typer.Argument(metavar="WORDS", help="A question, or some words.", show_default=False)],
    collection: InCollection = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this account.", autocompletion=completing.accounts)
    ] = None,
    site: Annotated[str | None, typer.Option(metavar="HOST", help="Only of this site.")] = None,
    since: Annotated[
        datetime | None, typer.Option(metavar="TIME", help="Only what was read since then.", formats=_DAYS)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="At most N.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find passages by meaning and by words, each with where it is from. Exit code 1 when nothing fits."""
    from dataclasses import asdict

    from seezar.knowledge.searching import Only
    from service.ground import with_application
    from service.terminal import moment, note, print_json, say

    only = Only(account=account, site=site, since=since.astimezone() if since else None)

    async def load(application: "Application") -> "list[Passage]":
        return await application.knowledge.search(query, limit=limit, collection=collection, only=only)

    found = with_application(load)
    if as_json:
        print_json({"query": query, "results": [asdict(passage) for passage in found]})
    else:
        for number, passage in enumerate(found, 1):
            whose = f" ({passage.account})" if passage.account else ""
            say(f"{number}. {passage.title}", style="bold")
            note(f"   {passage.url}{whose}, {moment(passage.taken_at)}, {passage.document_id}")
            body = " ".join(passage.text.split())
            say(f"   {body[:_SHOWN]}{'…' if len(body) > _SHOWN else ''}")
        if not found:
            note("Nothing that is kept fits.")
    if not found:
        raise typer.Exit(1)


@app.command("list")
@guarded()
def list_documents(
    collection: InCollection = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most N.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the documents that are kept, the newest first."""
    from dataclasses import asdict

    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> "list[Document]":
        return await application.knowledge.documents(collection=collection, limit=limit)

    found = with_application(load)
    if as_json:
        print_json({"documents": [asdict(document) for document in found]})
    elif found:
        rows = [(d.id, d.collection, d.account or "", moment(d.saved_at), d.title, d.url) for d in found]
        table(("ID", "COLLECTION", "ACCOUNT", "KEPT", "TITLE", "FROM"), rows)
    else:
        note("Nothing is kept yet.")


@app.command()
@guarded()
def remove(
    document: Annotated[str, typer.Argument(metavar="ID", help="Id of a document.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Forget a document with its passages."""
    from service.ground import with_application
    from service.terminal import tell

    async def work(application: "Application") -> None:
        await application.knowledge.remove(document)

    with_application(work)
    tell("The document is forgotten.", {"document_id": document, "removed": True}, as_json=as_json)


@app.command()
@guarded()
def collections(as_json: AsJson = False) -> None:
    """List the collections: their embedding model, how much is in them, and whether they have an index."""
    from dataclasses import asdict

    from service.ground import with_application
    from service.terminal import print_json, table

    async def load(application: "Application") -> "list[Collection]":
        return await application.collections.list()

    found = with_application(load)
    if as_json:
        print_json({"collections": [asdict(each) for each in found]})
        return
    rows = [
        (c.name, c.model, str(c.dimensions), f"{c.passages:,}", "yes" if c.indexed else "not needed yet") for c in found
    ]
    table(("NAME", "MODEL", "DIMENSIONS", "PASSAGES", "INDEX"), rows)


@app.command()
@guarded()
def drop(
    name: Annotated[
        str,
        typer.Argument(
            metavar="COLLECTION", help="Name of it.", show_default=False, autocompletion=completing.collections
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a collection with all of its documents."""
    from service.ask import confirm
    from service.ground import with_application
    from service.terminal import tell

    async def load(application: "Application") -> int:
        return (await application.collections.get(name)).passages

    if not yes:
        confirm(f"Delete {name} with {with_application(load):,} passages?")

    async def work(application: "Application") -> None:
        await application.collections.remove(name)

    with_application(work)
    tell(f"{name} is deleted.", {"collection": name, "removed": True}, as_json=as_json)


@app.command()
@guarded()
def reembed(
    name: Annotated[
        str,
        typer.Argument(
            metavar="COLLECTION", help="Name of it.", show_default=False, autocompletion=completing.collections
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="wordllama, or an embedding model of the pool.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Give a collection the vectors of another model. It is searched as before until all are there."""
    from service.ground import with_client
    from service.terminal import tell

    result = with_client(lambda client: _reembedded(client, name, model))
    if result["status"] != "reembedded":
        raise NotReembedded(str(result["status"]), str(result.get("reason", "")), str(result["run_id"]))
    tell(f"{name} has vectors of {model}: {result['passages']:,} passages.", result, as_json=as_json)


async def _reembedded(client: "Client", name: str, model: str) -> dict[str, Any]:
    from service.timeline import waiting
    from service.watching import watched

    run_id = await client.reembed(name, model)
    run = await client.application.runs.get(run_id)
    with waiting(f"Embedding {name} …"):
        return {**await watched(client, run, timeout=_PATIENCE_S), "run_id": run_id}
