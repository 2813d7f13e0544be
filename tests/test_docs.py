"""The documentation and the code say the same: commands, settings, statuses, links."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer

import playground.mailer
import seezar.access.errors
import seezar.browser.semantic
import seezar.extraction.definitions
import seezar.knowledge.collections
import seezar.knowledge.documents
import seezar.knowledge.files
import seezar.knowledge.memories
import seezar.reporting.making
import seezar.reporting.schedules
import seezar.reports.store
import seezar.signin.filling
import seezar.webhooks.records
import service.api.etags
import service.commands.knowledge
import service.commands.reports
import service.supervisor
import workflows.download
import workflows.open_page
import workflows.read_rows
import workflows.semantic
from seezar.errors import SeezarError
from seezar.models.pool import load_pool
from seezar.settings import Settings
from seezar.signin.outcome import SignInStatus
from service.cli import build, extend

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
# Named as what is still to come, on the pages that say so.
PLANNED = {"console"}
# A sentence that begins with the name.
PROSE = {"imports"}
# Variables of other programs that the documentation tells people to set or know.
FOREIGN = {
    "ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN",
    "NO_COLOR",
    "OPENINFERENCE_HIDE_INPUTS",
    "OPENINFERENCE_HIDE_OUTPUTS",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "SSL_CERT_FILE",
    "UV_DEFAULT_INDEX",
    "UV_PYTHON",
    "XDG_DATA_HOME",
}
# Placeholders of examples.
INVENTED = {
    "ADMIN_PASSWORD",
    "ADMIN_TOTP",
    "DUCKMAIL_KEY",
    "GMAIL_PASSWORD",
    "MAILPIT_LOGIN",
    "SMTPDEV_KEY",
    "TRACE_ID",
}
# Modules with errors are imported, so that every subclass is known.
ERROR_MODULES = (
    playground.mailer,
    seezar.access.errors,
    seezar.browser.semantic,
    seezar.extraction.definitions,
    seezar.knowledge.collections,
    seezar.knowledge.documents,
    seezar.knowledge.files,
    seezar.knowledge.memories,
    seezar.reporting.making,
    seezar.reporting.schedules,
    seezar.reports.store,
    seezar.webhooks.records,
    seezar.signin.filling,
    service.api.etags,
    service.commands.knowledge,
    service.commands.reports,
    service.supervisor,
    workflows.download,
    workflows.open_page,
    workflows.read_rows,
    workflows.semantic,
)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@lru_cache(maxsize=1)
def command_line() -> dict[str, Any]:
    """Every command of the command line by its name (`up`, `account add`, …); its parameters are in `params`."""
    app = build()
    extend(app)

    def walk(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, f"{prefix}{name} ")
            else:
                yield f"{prefix}{name}", command

    return dict(walk(typer.main.get_command(app), ""))


def commands() -> set[str]:
    """The names of all commands."""
    return set(command_line())


def code(page: Path) -> str:
    """What stands in code blocks and between backticks."""
    content = text(page)
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", content, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", content, flags=re.M | re.S))])


def mentioned(page: Path) -> set[str]:
    """The commands of seezar that a page names in code."""
    groups = {command.split()[0] for command in commands() if " " in command}
    found: set[str] = set()
    for first, second in re.findall(r"(?:^|[\s/])seezar ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", code(page), re.MULTILINE):
        found.add(f"{first} {second}".strip() if first in groups else first)
    return found


def errors(of: type[SeezarError] = SeezarError) -> set[type[SeezarError]]:
    return {of}.union(*(errors(subclass) for subclass in of.__subclasses__()))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_command_that_is_named_exists(page: Path) -> None:
    known = commands() | {command.split()[0] for command in commands()}
    unknown = mentioned(page) - known - PLANNED - PROSE
    assert not unknown, f"{names(page)} names commands that do not exist: {sorted(unknown)}"


def test_what_is_planned_does_not_exist() -> None:
    assert not PLANNED & commands(), "take it out of PLANNED and describe it"


def test_every_command_is_described() -> None:
    missing = commands() - mentioned(DOCS / "command-line.md")
    assert not missing, f"docs/command-line.md does not describe {sorted(missing)}"


def test_every_option_that_is_named_exists() -> None:
    known = {
        option
        for command in command_line().values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    known |= {"--help", "--install-completion"}
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]+)", text(DOCS / "command-line.md")))
    assert not named - known, f"docs/command-line.md names options that do not exist: {sorted(named - known)}"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_file(), f"{names(page)} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(file), f"{names(page)} links to {target}, and there is no such heading"


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text(page), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    index = text(DOCS / "index.md")
    missing = [page.name for page in DOCS.glob("*.md") if page.name != "index.md" and f"({page.name})" not in index]
    assert not missing


def test_readme_begins_with_the_two_commands() -> None:
    top = text(ROOT / "README.md")[:1500]
    assert "make demo" in top
    assert "make test" in top


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", text(ROOT / "Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", code(page), re.MULTILINE))
    assert not named - targets, f"{names(page)} names targets that do not exist: {sorted(named - targets)}"


def variables() -> set[str]:
    """Settings, and the variables that the project's model pool asks for."""
    pool = load_pool(None, {})
    keys = {variable for deployment in pool.left_out for variable in deployment.variables}
    example = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text(ROOT / ".env.example"), re.MULTILINE))
    return {f"SEEZAR_{field.upper()}" for field in Settings.model_fields} | keys | example


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_variable_that_is_named_is_known(page: Path) -> None:
    named = set(re.findall(r"\b(?:[A-Z][A-Z0-9]*_)+[A-Z0-9]+\b", code(page)))
    constants = {"APPLICATION_VERSION", "OPEN_SHADOW_ROOTS", "ON_ERROR_STOP"}
    unknown = named - variables() - FOREIGN - INVENTED - constants
    assert not unknown, f"{names(page)} names variables that nothing reads: {sorted(unknown)}"


def test_every_setting_is_described_with_its_default() -> None:
    page = text(DOCS / "configuration.md")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `SEEZAR_{name.upper()}` \| ([^|]*) \|", page, re.MULTILINE)
        assert row, f"docs/configuration.md does not describe SEEZAR_{name.upper()}"
        default = field.default
        if isinstance(default, bool):
            assert row[1] == str(default).lower()
        elif isinstance(default, int | float):
            assert row[1].removesuffix(" s") == f"{default:.12g}"
        elif isinstance(default, str):
            assert row[1].strip("`") == default


def test_every_status_is_explained() -> None:
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", text(DOCS / "troubleshooting.md"), re.MULTILINE))
    statuses = {error.status for error in errors()} | set(SignInStatus.__value__.__args__)
    assert not statuses - explained, f"docs/troubleshooting.md does not explain {sorted(statuses - explained)}"


def test_every_status_in_the_source_belongs_to_an_error_that_is_imported_here() -> None:
    """The test above knows the errors of imported modules; this one finds a module that it forgot."""
    known = {error.status for error in errors()}
    for folder in ("seezar", "workflows", "tools", "agents", "service", "playground"):
        for path in (ROOT / folder).rglob("*.py"):
            for status in re.findall(r"^    status(?:: [\w\[\]]+)? = \"([a-z_]+)\"$", text(path), re.MULTILINE):
                # What went well is no error.
                assert status in known | {"ok"}, f"{path.relative_to(ROOT)}: add its module to ERROR_MODULES"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_test_and_file_that_is_named_exists(page: Path) -> None:
    tests = "\n".join(text(path) for path in (ROOT / "tests").rglob("*.py"))
    for name in set(re.findall(r"\b(test_[a-z0-9_]+)\b(?!\.)", code(page))):
        assert f"def {name}(" in tests, f"{names(page)} names the test {name}, which does not exist"
    roots = "agents|tools|workflows|seezar|service|playground|evals|benchmarks|tests|scripts|docs"
    for path in set(re.findall(rf"(?<![\w/.-])((?:{roots})/[\w./-]*[\w/])", code(page))):
        # A method of MCP looks like a path of ours.
        assert path == "tools/call" or (ROOT / path).exists(), f"{names(page)} names {path}, which does not exist"


def test_pictures_are_small_and_fetch_nothing() -> None:
    for picture in (DOCS / "images").iterdir():
        assert picture.stat().st_size <= 300_000, picture.name
    drawn = text(DOCS / "images" / "demo.svg")
    assert "@font-face" not in drawn
    assert "✗" not in drawn, "a demo that failed was recorded"
