"""What an application is for the runner: its packages, its server, its accounts, and how each sign-in must end."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seezar.accounts.records import SecondFactor

FOLDER: Final = Path(__file__).parent
# Every application is seeded with these, by its server's program. Demo secrets of servers that only this machine can
# reach.
PASSWORD: Final = "correct-horse-41 Battery"
TOTP_KEY: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER_TOTP_KEY: Final = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
MAIL_DOMAIN: Final = "mail.seezar.test"


@dataclass(frozen=True)
class Login:
    """One way to sign in to an application.

    Attributes:
        name: of the way, shown in the table.
        url: path of the page that the sign-in starts from.
        verify: path of a page that only somebody who is signed in gets to see.
        username: of the seeded user; one at `MAIL_DOMAIN` has a mailbox.
        factor: the second factor.
        password: whether the site asks for the password.
        refused: what a wrong password must be reported as; empty where it is not tried.
        code_refused: what a code of another TOTP key must be reported as; empty where it is not tried.
    """

    name: str
    url: str
    verify: str
    username: str
    factor: SecondFactor = "none"
    password: bool = True
    refused: str = "bad_credentials"
    code_refused: str = "bad_code"


@dataclass(frozen=True)
class Application:
    """An application as `NAME/application.toml` describes it.

    Attributes:
        name: of its folder.
        title: its name and what is served, for people.
        python: requirements with versions, for a Python application.
        npm: package to version, for one of Node.
        serve: the command; a first word "python" or "node" is that of its environment, and names of files are relative
            to its folder. It gets APP_PORT, APP_DATA (an empty folder), APP_SMTP_PORT, APP_PASSWORD and APP_TOTP in its
            environment, seeds the users, and serves on 127.0.0.1.
        ready: path that answers well once it serves.
        patience: seconds that it may take to get there.
        logins: the ways in.
    """

    name: str
    title: str
    python: tuple[str, ...]
    npm: dict[str, str]
    serve: tuple[str, ...]
    ready: str
    patience: float
    logins: tuple[Login, ...]

    @property
    def folder(self) -> Path:
        """Where its description and its program are."""
        return FOLDER / self.name


def names() -> list[str]:
    """The applications that are described here."""
    return sorted(path.parent.name for path in FOLDER.glob("*/application.toml"))


def load(name: str) -> Application:
    """The application `name`.

    Raises:
        FileNotFoundError: there is no such application.
        TypeError: its description has an unknown key for a login, or lacks one.
    """
    raw: dict[str, Any] = tomllib.loads((FOLDER / name / "application.toml").read_text(encoding="utf-8"))
    return Application(
        name=name,
        title=raw["title"],
        python=tuple(raw.get("python", ())),
        npm=raw.get("npm", {}),
        serve=tuple(raw["serve"]),
        ready=raw.get("ready", "/"),
        patience=raw.get("patience", 60.0),
        logins=tuple(Login(**login) for login in raw["login"]),
    )
