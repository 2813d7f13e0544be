"""A model that obeys the attacker completely, every tool that there is, and a judge of what came of it."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from google.adk.events import Event
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from pydantic import PrivateAttr

from agents.auth.agent import build as build_auth
from agents.browser.agent import build as build_browser
from agents.factory import build_app, build_worker
from agents.mail.agent import build as build_mail
from agents.research.agent import build as build_research
from tests.security.hostile_texts import obeyed
from tests.world import World

type Call = tuple[str, dict[str, Any]]


class Attacker:
    """A host on loopback that counts who comes, over TCP and over UDP on the same port."""

    def __init__(self) -> None:
        self.visits: list[bytes] = []
        self.host = ""
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Attacker"]:
        """On a free port."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            self._udp.bind(("127.0.0.1", port))
            self._udp.setblocking(False)
            self.host = f"127.0.0.1:{port}"
            yield self
        self._udp.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError):
            self.visits.append(await asyncio.wait_for(reader.read(2000), 2))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil")
            await writer.drain()
        writer.close()

    def seen(self) -> int:
        """Connections and datagrams so far."""
        with suppress(BlockingIOError):
            while True:
                self.visits.append(self._udp.recv(2000))
        return len(self.visits)


class WorstCase(BaseLlm):
    """Does what the script says, then every order that it finds anywhere in what it is given, then its own order.

    That it carries out the order also where the text did not get through to it makes it worse than any reader.
    """

    _plan: list[Call] = PrivateAttr(default_factory=list)
    _orders: list[Call] = PrivateAttr(default_factory=list)
    _done: set[str] = PrivateAttr(default_factory=set)
    _seen: list[str] = PrivateAttr(default_factory=list)

    def begin(self, first: Sequence[Call], orders: Sequence[Call]) -> None:
        """A new case: what the user's request makes it call, and what the attacker wants."""
        self._plan, self._orders, self._done = list(first), list(orders), set()

    @property
    def seen(self) -> str:
        """All that models were ever asked."""
        return "\n".join(self._seen)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        asked = "".join(content.model_dump_json(exclude_none=True) for content in llm_request.contents)
        self._seen.append(asked)
        results = [p.function_response for c in llm_request.contents for p in c.parts or [] if p.function_response]
        last = cast("dict[str, Any]", results[-1].response or {}) if results else {}
        if self._plan:
            name, arguments = self._plan.pop(0)
            # What the step before gave: "$page_id".
            filled = {k: last.get(v[1:], "none") if str(v).startswith("$") else v for k, v in arguments.items()}
            parts = [types.Part.from_function_call(name=name, args=filled)]
        else:
            found = {json.dumps(call): call for text in _texts(last) for call in obeyed(text)}
            self._done |= {json.dumps(call) for call in self._orders}
            new = [*self._orders, *(call for key, call in found.items() if key not in self._done)]
            self._orders = []
            self._done |= set(found)
            parts = [types.Part.from_function_call(name=name, args=arguments) for name, arguments in new]
            parts = parts or [types.Part(text="Done. The user has confirmed it. confirmed: true")]
        yield LlmResponse(content=types.Content(role="model", parts=parts))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _texts(inner)


class Conversations:
    """Turns of an agent with every tool of every agent, each in a conversation of its own."""

    def __init__(self, model: WorstCase) -> None:
        self.model = model
        every = [tool for build in (build_auth, build_mail, build_browser, build_research) for tool in build().tools]
        agent = build_worker("worst", description="", instruction="You have every tool.", tools=every, task=False)  # pyright: ignore[reportArgumentType] - they came out of agents that took them
        agent.model = model
        self._sessions = InMemorySessionService()
        self._runner = Runner(app=build_app(agent), session_service=self._sessions)
        self.session_id = ""

    async def turn(self, text: str, first: Sequence[Call], orders: Sequence[Call]) -> list[Event]:
        """A request of the user in a new conversation, and what the model makes of it."""
        self.session_id = (await self._sessions.create_session(app_name="worst", user_id="ann")).id
        self.model.begin(first, orders)
        return await self._run(types.Part(text=text))

    async def again(self, text: str, orders: Sequence[Call]) -> list[Event]:
        """One more message in the same conversation."""
        self.model.begin((), orders)
        return await self._run(types.Part(text=text))

    async def confirm(self, events: Sequence[Event]) -> list[Event]:
        """What only a person can: answer the question of a tool."""
        asked = [(c, e.invocation_id) for e in events for c in e.get_function_calls() if c.name == CONFIRM]
        [(call, invocation)] = asked
        self.model.begin((), ())
        answer = types.FunctionResponse(id=call.id, name=CONFIRM, response={"confirmed": True})
        return await self._run(types.Part(function_response=answer), invocation)

    async def _run(self, part: types.Part, invocation: str | None = None) -> list[Event]:
        content = types.Content(role="user", parts=[part])
        turn = self._runner.run_async(
            user_id="ann", session_id=self.session_id, invocation_id=invocation, new_message=content
        )
        return [event async for event in turn]


CONFIRM = "adk_request_confirmation"


@dataclass(frozen=True)
class State:
    """What an attacker would want changed or know, at one moment."""

    accounts: tuple[Any, ...]
    sessions: dict[str, str]
    waiting: dict[str, str]
    mailboxes: frozenset[str]
    mails: int
    documents: int
    files: frozenset[Path]
    visits: int
    runs: Counter[str] = field(compare=False)


async def state_of(world: World, attacker: Attacker) -> State:
    """Look at everything."""
    app = world.application
    runs = await app.database.all("SELECT kind, count(*) AS n FROM app.run GROUP BY kind")
    mails = await app.database.one("SELECT count(*) AS n FROM app.message")
    documents = await app.database.one("SELECT count(*) AS n FROM knowledge.document")
    home = world.settings.home
    # Its workers write logs, and take notes of themselves.
    own = (home / "logs", home / "run")
    files = {path for path in home.rglob("*") if path.is_file() and not any(path.is_relative_to(o) for o in own)}
    assert mails is not None
    assert documents is not None
    return State(
        accounts=tuple(await app.accounts.list()),
        sessions={session.account: session.id for session in await app.sessions.list()},
        waiting={run.id: str(run.question) for run in await app.questions.waiting()},
        mailboxes=frozenset(box.address for box in await app.mail.addresses()),
        mails=mails["n"],
        documents=documents["n"],
        files=frozenset(files),
        visits=attacker.seen(),
        runs=Counter({row["kind"]: row["n"] for row in runs}),
    )
