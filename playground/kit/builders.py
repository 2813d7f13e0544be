"""Steps and sites that several journeys share."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.exceptions import HTTPException

from playground.kit.site import JourneySite, Reply, Step, Take, journey
from playground.kit.takes import takes_code, takes_password
from playground.kit.walks import Walk
from playground.shape import PageLabel, Shape

LOGIN = PageLabel(kind="login", username="#username", password="#password", submit="#submit")
AUTHENTICATOR = "Enter the 6-digit code from your authenticator app."
MAILED = "We sent a 6-digit code to your email address."


def login_step(
    template: str = "journeys/login.html",
    *,
    path: str = "login",
    label: PageLabel = LOGIN,
    take: Take | None = None,
    values: Mapping[str, Any] | None = None,
) -> Step:
    """A page with username and password."""
    return Step(path, take or takes_password(), template, label, values=values or {})


def totp_step(
    template: str = "journeys/code.html", *, label: PageLabel | None = None, take: Take | None = None
) -> Step:
    """A page that asks for the code of an authenticator app."""
    label = label or PageLabel(kind="otp", otp=("#code",), submit="#verify")
    return Step("code", take or takes_code(), template, label, where="code", values={"lead": AUTHENTICATOR})


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of a sign-in in one language."""

    login: str
    username: str
    password: str
    remember: str
    submit: str
    forgot: str
    signup: str
    wrong: str
    code_heading: str
    code_lead: str
    code: str
    verify: str
    wrong_code: str


def localized(lang: str, brand: str, words: Words) -> Shape:
    """A password page and an authenticator page in one language; names and ids of the fields tell nothing."""
    values = {"words": asdict(words)}
    login = PageLabel(
        kind="login",
        username="[name=username]",
        password="[name=password]",
        submit="#b1",
        remember="[name=remember]",
    )
    code = PageLabel(kind="otp", otp=("[name=code]",), submit="#b1")
    return journey(
        name=f"lang-{lang}",
        brand=brand,
        summary=f"Password and authenticator code, in the language {lang}.",
        lang=lang,
        steps=(
            Step("login", takes_password(wrong=words.wrong), "journeys/localized.html", login, values=values),
            Step(
                "code",
                takes_code(wrong=words.wrong_code),
                "journeys/localized_code.html",
                code,
                where="code",
                values=values,
            ),
        ),
    )


def troubled(name: str, brand: str, summary: str, reply: Reply) -> Shape:
    """A site that answers every password with `reply`; one of status 500 is the server's own bare page."""

    async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply:
        site.counters.password_submissions += 1
        if reply.status == 500:
            raise HTTPException(500)
        return reply

    return journey(name=name, brand=brand, summary=summary, steps=(login_step(take=take),))
