"""`python -m tests.agents.chat TEXT`: one turn of the coordinator, as a server of ADK runs it; says its last answer."""

import asyncio
import sys

from google.adk.agents.run_config import RunConfig
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from agents.bootstrap import start


async def main(text: str) -> None:
    """Talk as `ann` in the conversation `chat-1`."""
    start()
    from agents.coordinator.agent import app

    sessions = InMemorySessionService()
    runner = Runner(app=app, session_service=sessions)
    session = await sessions.create_session(app_name=app.name, user_id="ann", session_id="chat-1")
    said = types.Content(role="user", parts=[types.Part(text=text)])
    config = RunConfig.model_validate({"streaming_mode": "sse"})
    answer = ""
    async for event in runner.run_async(user_id="ann", session_id=session.id, new_message=said, run_config=config):
        if event.is_final_response() and event.content and event.content.parts and not event.partial:
            answer = event.content.parts[0].text or answer
    sys.stdout.write(f"{answer}\n")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:])))
