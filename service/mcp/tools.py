"""The tools that other agents are given. Account names go in; no secret goes in or out.

What cannot be undone, or lets something out, is no tool: adding accounts, exporting sessions, deleting.
"""

from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
from mcp.types import ToolAnnotations
from pydantic import Field

from seezar.access import Scope
from seezar.accounts import Run
from seezar.accounts.records import result_of_waiting
from seezar.fencing import fenced, visible
from service.mcp.desk import Desk
from service.mcp.following import followed, with_text
from service.mcp.shapes import Account, Address, Code, Done, Findings, Found, Outcome, RunId, Seconds

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# Each speaks to a web site; none takes anything away there.
_ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)


type Confirmed = Annotated[
    bool, Field(description="True only when the user has said in this conversation that it is done.")
]


def add_tools(server: MCPServer[Any], desk: Desk) -> None:
    """Give the server its tools."""
    _add_sign_in(server, desk)
    _add_run_status(server, desk)
    _add_answer(server, desk)
    _add_open_page(server, desk)
    _add_extract(server, desk)
    _add_search(server, desk)


def _add_sign_in(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(title="Sign in", annotations=_ACTS)
    async def sign_in(
        account: Account,
        ctx: Context[Any, Any],
        fresh: Annotated[
            bool, Field(description="Only when the user wants a new session although the stored one may work.")
        ] = False,
        seconds: Seconds = 180,
    ) -> Outcome:
        """Sign an account in, password and second factor included; a stored session that works is used as it is.

        Usually takes seconds and tells its progress. Status signed_in means that the site itself has confirmed it. Any
        other status is final for this request: tell the user what `message` says. With `question` the run waits for a
        person.
        """
        async with desk.asked(ctx, Scope.SIGNIN) as client:
            run_id = await client.sign_in(account, fresh=fresh)
            return await followed(ctx, client, run_id, seconds=seconds)


def _add_run_status(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(title="Status of a run", annotations=_READS)
    async def run_status(run_id: RunId, ctx: Context[Any, Any], seconds: Seconds = 0) -> Outcome:
        """Tell how a run is doing; with `seconds`, wait that long for its end or its question to a person."""
        async with desk.asked(ctx, Scope.RUNS_READ) as client:
            return await followed(ctx, client, run_id, seconds=seconds)


def _add_answer(server: MCPServer[Any], desk: Desk) -> None:
    async def typed_code(run_id: RunId, ctx: Context[Any, Any]) -> Elicit[Code] | None:
        """Asks the person in front of the client, past its model; None where no code is wanted, or none can be had."""
        async with desk.asked(ctx, Scope.RUNS_WRITE) as client:
            run = await client.application.runs.get(run_id)
        if not run.waiting or run.question != "code" or not _can_ask(ctx):
            return None
        return Elicit(f"The site of the account {run.account} asks for a code. {run.reason}".strip(), Code)

    async def said_done(run_id: RunId, ctx: Context[Any, Any], confirmed: Confirmed = False) -> Elicit[Done] | None:
        """Asks the same person whether it is true what the client's model says: that it is done, or accepted."""
        async with desk.asked(ctx, Scope.RUNS_WRITE) as client:
            run = await client.application.runs.get(run_id)
        if not confirmed or not run.waiting or run.question == "code" or not _can_ask(ctx):
            return None
        return Elicit(f"The sign-in of the account {run.account} waits: {run.reason} Is it done, or accepted?", Done)

    @server.tool(title="Answer a run that waits for a person", annotations=_ACTS)
    async def answer(
        run_id: RunId,
        ctx: Context[Any, Any],
        code: Annotated[ElicitationResult[Code], Resolve(typed_code)],
        done: Annotated[ElicitationResult[Done], Resolve(said_done)],
        confirmed: Confirmed = False,
        seconds: Seconds = 120,
    ) -> Outcome:
        """Go on with a run that waits for a person, and wait for its end.

        For an approval that the user has given, terms that the user accepts, a captcha or a passkey that the user has
        dealt with: set `confirmed` when the user has said so, never before; seezar asks the user itself. A code is no
        argument, so never ask the user for one: seezar asks for it directly where this client can, and says where to
        type it elsewhere.
        """
        async with desk.asked(ctx, Scope.RUNS_WRITE) as client:
            run = await client.application.runs.get(run_id)
            typed = code.data if code.action == "accept" else None
            # What a model says that its user has done is not enough: a page may have told it to say so.
            said = done.action == "accept" and done.data is not None and done.data.done
            # Of a run that asks nothing the client says so.
            if run.waiting and (typed is None if run.question == "code" else not said):
                return Outcome(**result_of_waiting(run), message=_asked(run))
            await client.answer(run_id, typed.code if typed is not None else None)
            return await followed(ctx, client, run_id, seconds=seconds)


def _can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client shows forms to its user; `elicitation: {}` is that as well."""
    declared = context.client_capabilities
    elicitation = declared.elicitation if declared is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _asked(run: Run) -> str:
    if run.question == "code":
        return (
            "It still waits for a code, which no model may see. The user types it at a terminal of that machine: "
            f"seezar runs answer {run.id}; or a program posts it to /v1/runs/{run.id}/answer."
        )
    return (
        f"It waits: {run.reason} Ask the user, and call again with confirmed when the user has said that it is done: "
        f"seezar then asks the user itself. Where this client cannot show that, the user says it at a terminal: seezar "
        f"runs answer {run.id}."
    )


def _add_open_page(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(title="Open a page behind the login", annotations=_ACTS)
    async def open_page(account: Account, ctx: Context[Any, Any], url: Address = "", seconds: Seconds = 90) -> Outcome:
        """Open a page of an account that is signed in, and read it. Only pages of the account's own site can be opened.

        Status opened comes with page_id, title, url and text; not_signed_in means that sign_in has to come first.
        """
        async with desk.asked(ctx, Scope.PAGES_OPEN, Scope.PAGES_READ) as client:
            run_id = await client.open_page(account, url or None)
            return await with_text(client, await followed(ctx, client, run_id, seconds=seconds))


def _add_extract(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(title="Find something on a page", annotations=_ACTS)
    async def extract(
        account: Account,
        question: Annotated[str, Field(min_length=1, max_length=2000, description="What to find.")],
        ctx: Context[Any, Any],
        url: Address = "",
        seconds: Seconds = 240,
    ) -> Outcome:
        """Find the answer to a question on a page of an account that is signed in, with a model of seezar's own.

        Status extracted comes with the answer as `text`; page_not_understood when no model is configured or none finds
        it: then open_page gives the whole text.
        """
        async with desk.asked(ctx, Scope.PAGES_OPEN, Scope.PAGES_READ) as client:
            run_id = await client.extract_from_page(account, question, url or None)
            return await with_text(client, await followed(ctx, client, run_id, seconds=seconds))


def _add_search(server: MCPServer[Any], desk: Desk) -> None:
    @server.tool(title="Search kept pages", annotations=_READS)
    async def search_knowledge(
        query: Annotated[str, Field(min_length=1, max_length=1000, description="A question, or some words.")],
        ctx: Context[Any, Any],
        account: Annotated[str, Field(max_length=63, description="Only pages of this account; empty for all.")] = "",
        limit: Annotated[int, Field(ge=1, le=20)] = 5,
    ) -> Findings:
        """Find passages of pages that were kept, by meaning and by words."""
        async with desk.asked(ctx, Scope.KNOWLEDGE_READ) as client:
            passages = await client.application.knowledge.search(query, account=account or None, limit=limit)
        results = [
            Found(
                text=fenced(passage.text, source=f"a page of the account {passage.account}"),
                title=visible(passage.title),
                url=passage.url,
                account=passage.account,
                taken_at=passage.taken_at.isoformat(),
            )
            for passage in passages
        ]
        return Findings(results=results)
