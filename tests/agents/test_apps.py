"""The apps as ADK finds them, and what they promise."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.artifacts import FileArtifactService
from google.adk.cli.utils import service_factory
from google.adk.cli.utils.agent_loader import AgentLoader
from google.adk.models import LLMRegistry
from google.adk.tools.base_tool import BaseTool

import agents
from agents import storage
from agents.factory import TaskReport, build_app
from agents.model import PoolModel
from agents.plugins import ErrorNet, RunBudget
from agents.remembering import Remembering
from agents.secret_gate import SecretGate
from agents.sessions import StoredSessions
from agents.tracing import PromptLink
from seezar.errors import NotSignedIn
from seezar.models.errors import ModelsUnavailable
from seezar.settings import Settings

# The net does not look at the contexts that ADK hands it.
NOTHING: Any = None
FOLDER = Path(agents.__file__).parent
NAMES = ["auth", "browser", "coordinator", "mail", "research"]
TOOLS = {
    "auth": {
        "list_accounts",
        "sign_in",
        "answer_run",
        "session_status",
        "sign_out",
        "add_account",
        "remove_account",
        "export_session",
    },
    "mail": {
        "create_mailbox",
        "list_providers",
        "list_mailboxes",
        "delete_mailbox",
        "list_messages",
        "latest_message",
        "wait_for_message",
        "read_message",
        "delete_message",
        "code_arrived",
        "answer_with_mail",
    },
    "browser": {
        "open_page",
        "open_link",
        "read_page",
        "screenshot",
        "extract_from_page",
        "act_on_page",
        "read_rows",
        "download",
    },
    "research": {"save_page", "search", "cite", "list_extractions", "make_report", "show_evidence"},
}


def load(name: str) -> App:
    app = AgentLoader(str(FOLDER)).load_agent(name)
    assert isinstance(app, App)
    return app


async def tool_names(agent: LlmAgent) -> set[str]:
    return {tool.name for tool in await agent.canonical_tools()}


def test_adk_lists_exactly_our_apps() -> None:
    assert AgentLoader(str(FOLDER)).list_agents() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_app_is_named_like_its_folder_resumable_and_has_the_net(name: str) -> None:
    app = load(name)
    assert app.name == name
    assert app.resumability_config is not None
    assert app.resumability_config.is_resumable
    assert [type(plugin) for plugin in app.plugins] == [ErrorNet, RunBudget, PromptLink, SecretGate, Remembering]


@pytest.mark.parametrize("name", sorted(TOOLS))
async def test_a_sub_agent_has_its_few_tools_and_nothing_to_finish(name: str) -> None:
    root = load(name).root_agent
    assert isinstance(root, LlmAgent)
    assert await tool_names(root) == TOOLS[name]


async def test_the_coordinator_delegates_to_task_children_and_can_only_recall_itself() -> None:
    root = load("coordinator").root_agent
    assert isinstance(root, LlmAgent)
    assert await tool_names(root) == {*TOOLS, "recall"}
    for child in root.sub_agents:
        assert isinstance(child, LlmAgent)
        assert child.mode == "task"
        assert child.output_schema is TaskReport
        assert child.disallow_transfer_to_parent
        assert child.disallow_transfer_to_peers
        assert await tool_names(child) == TOOLS[child.name] | {"finish_task"}


def test_importing_the_agents_does_not_import_litellm() -> None:
    # Its import takes seconds: it is done in the background, or by the first request.
    code = "import agents.coordinator, sys; sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=170).returncode == 0


def test_no_tool_takes_a_secret() -> None:
    from tools import accounts, auth, browser, mail, research

    every = {name: tool for module in (accounts, auth, browser, mail, research) for name, tool in vars(module).items()}
    for name in set[str]().union(*TOOLS.values()):
        parameters = set(every[name].__annotations__)
        assert not parameters & {"password", "secret", "code", "totp", "token", "cookie"}, name


def test_the_groups_are_models_that_adk_resolves() -> None:
    build_app(LlmAgent(name="any", model=PoolModel("fast")))
    assert LLMRegistry.resolve("judge") is PoolModel


def test_our_storage_is_the_default_of_adk_and_a_named_one_still_wins(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("create_local_session_service", "create_local_artifact_service"):
        monkeypatch.setattr(service_factory, name, getattr(service_factory, name))
    storage.register(settings, "postgresql://user@127.0.0.1:1/seezar")
    default = service_factory.create_session_service_from_options(base_dir=tmp_path)
    assert isinstance(default, StoredSessions)
    url = default.load().db_engine.url
    assert url.drivername == "postgresql+psycopg"
    assert "search_path=adk" in str(url.query["options"])
    assert isinstance(service_factory.create_artifact_service_from_options(base_dir=tmp_path), FileArtifactService)
    assert list(settings.home.glob("artifacts"))
    named = service_factory.create_session_service_from_options(base_dir=tmp_path, session_service_uri="memory://")
    assert not isinstance(named, StoredSessions)
    ours = service_factory.create_session_service_from_options(base_dir=tmp_path, session_service_uri="seezar://")
    assert isinstance(ours, StoredSessions)
    assert not list(tmp_path.iterdir())


class _Tool(BaseTool):
    def __init__(self) -> None:
        super().__init__(name="a_tool", description="")


async def test_the_net_turns_tool_errors_into_answers() -> None:
    net = ErrorNet()
    known = await net.on_tool_error_callback(
        tool=_Tool(),
        tool_args={},
        tool_context=NOTHING,
        error=NotSignedIn("No session.", next_step="Sign in."),
    )
    assert known == {"status": "not_signed_in", "message": "No session. Sign in."}
    unknown = await net.on_tool_error_callback(
        tool=_Tool(),
        tool_args={},
        tool_context=NOTHING,
        error=ValueError("s3cret"),
    )
    assert unknown is not None
    assert unknown["status"] == "error"
    assert "s3cret" not in unknown["message"]


async def test_an_exhausted_pool_is_told_and_other_model_errors_are_not_hidden() -> None:
    net = ErrorNet()
    told = await net.on_model_error_callback(
        callback_context=NOTHING,
        llm_request=NOTHING,
        error=ModelsUnavailable("None left.", next_step="Wait."),
    )
    assert told is not None
    assert told.content is not None
    assert [part.text for part in told.content.parts or []] == ["None left. Wait."]
    hidden = await net.on_model_error_callback(callback_context=NOTHING, llm_request=NOTHING, error=KeyError("x"))
    assert hidden is None
