"""One typed settings object, read from the environment and from `.env` in the current folder."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from seezar.domains import is_network, normal_host


def _default_home() -> Path:
    # Embedded PostgreSQL does not run as root: it drops to a user of its own, which must be able to reach the data
    # directory. Under /root that would mean opening root's home to everyone, so root's data live elsewhere.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/seezar")
    return Path(os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share"))) / "seezar"


class Settings(BaseSettings):
    """All that can be configured. Each field is the environment variable `SEEZAR_<FIELD>`; see `.env.example`."""

    model_config = SettingsConfigDict(env_prefix="SEEZAR_", env_file=".env", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default_factory=_default_home, description="Folder of all data; two homes do not meet.")
    database_url: str | None = Field(default=None, description="PostgreSQL server to use; unset = embedded.")
    master_key: SecretStr | None = Field(default=None, description="32 bytes, base64; unset = key file in the home.")
    other_master_keys: SecretStr | None = Field(
        default=None, description="Comma-separated master keys that open values too, while one is exchanged."
    )

    vault_addr: str | None = Field(
        default=None, description="HashiCorp Vault, or what speaks its API; https, or on loopback."
    )
    vault_token: SecretStr | None = Field(default=None, description="Token for it.")

    smtp_port: int = Field(default=2525, ge=0, le=65535, description="Local SMTP on loopback; 0 = any free port.")
    mail_domains: str = Field(default="mail.seezar.test", description="Comma-separated domains that local SMTP takes.")
    mail_quota: int = Field(
        default=40_000_000, ge=0, description="Bytes that a mailbox of local SMTP holds; 0 = any number."
    )
    chat_mailboxes: int = Field(
        default=5, ge=0, description="Mailboxes that one conversation with the agents may make; 0 = any number."
    )
    chat_mailboxes_per_day: int = Field(
        default=50, ge=0, description="Mailboxes that all conversations together may make in a day; 0 = any number."
    )
    mail_config: Path | None = Field(
        default=None, description="Table of mail providers; unset = mail.toml in the home."
    )

    chromium: Path | None = Field(
        default=None, description="Chromium or Chrome to drive; unset = found on this machine."
    )
    headless: bool = Field(default=True, description="False shows the browser window.")
    cdp_url: str | None = Field(
        default=None, description="DevTools address of a browser that runs elsewhere; unset = start one here."
    )

    cdp_ungated: bool = Field(
        default=False, description="True: a browser on another machine goes out directly, past the allow-list."
    )
    private_hosts: str = Field(
        default="", description="Comma-separated hosts, addresses or CIDR blocks inside that may be reached."
    )

    sign_in_timeout: float = Field(default=180.0, gt=0, description="Deadline of a sign-in, seconds.")
    mail_timeout: float = Field(default=90.0, gt=0, description="How long to wait for a code by mail, seconds.")
    person_timeout: float = Field(
        default=86_400.0, gt=0, description="How long a run waits for the answer of a person, seconds."
    )
    page_timeout: float = Field(default=20.0, gt=0, description="How long a page may take to load, seconds.")
    max_attempts: int = Field(default=3, ge=1, le=10, description="Attempts of one sign-in, crashes included.")

    worker_idle_exit: float = Field(
        default=300.0,
        ge=0,
        description="Seconds without client and work until an auto-started worker stops; 0 = never.",
    )
    browsers: int = Field(default=2, ge=1, le=64, description="Browser steps that one worker runs at the same time.")
    browser_memory_mb: int = Field(
        default=300, ge=0, description="Free memory that a further browser step waits for, MiB; 0 = none."
    )
    max_adoptions: int = Field(
        default=5, ge=0, description="Times that a run is taken up after its worker died, before it is parked."
    )
    max_queued: int = Field(
        default=1000, ge=0, description="Queued runs from which on a new one is refused; 0 = any number."
    )
    site_sign_ins_per_minute: int = Field(
        default=120, ge=0, description="Sign-ins a minute that a site is given at most; 0 = any number."
    )

    keep_runs_days: int = Field(default=30, ge=0, description="Days that ended runs are kept; 0 = for ever.")
    keep_mails_days: int = Field(default=7, ge=0, description="Days that received mails are kept; 0 = for ever.")
    keep_pictures_days: int = Field(
        default=7, ge=0, description="Days that pictures of failed sign-ins and of chats are kept; 0 = for ever."
    )
    keep_pages_days: int = Field(
        default=30, ge=0, description="Days that pages read behind a login are kept; 0 = for ever."
    )

    api_port: int = Field(default=8000, ge=0, le=65535, description="HTTP API on loopback.")
    api_cors: str | None = Field(
        default=None, description="Comma-separated origins whose pages may call the HTTP API; unset = none."
    )
    web_port: int = Field(default=8888, ge=0, le=65535, description="ADK Web on loopback.")
    playground_port: int = Field(default=8090, ge=0, le=65535, description="Playground on loopback.")

    litellm_config: Path | None = Field(
        default=None, description="Model pool; unset = litellm_config.yaml of the project."
    )
    litellm_url: str | None = Field(
        default=None, description="LiteLLM proxy that is asked instead of the pool; http:// or https://."
    )
    litellm_key: SecretStr | None = Field(default=None, description="Key for the LiteLLM proxy.")
    model_recording: Path | None = Field(
        default=None, description="File of a recorded conversation with models; unset = they are asked."
    )
    model_recording_mode: Literal["replay", "record"] = Field(
        default="replay", description="replay answers from the file and asks nobody; record writes it."
    )
    allow_model_requests: bool = Field(
        default=True, description="False: a request to any model but offline/rules raises."
    )

    model_requests_per_day: int = Field(
        default=0, ge=0, description="Requests to models in a day (UTC), all processes together; 0 = any number."
    )
    model_tokens_per_day: int = Field(
        default=0, ge=0, description="Tokens that models read and write in a day; 0 = any number."
    )
    model_usd_per_day: float = Field(
        default=0.0, ge=0, description="US dollars that models may cost in a day; 0 = any amount."
    )
    model_requests_per_run: int = Field(
        default=0, ge=0, description="Requests to models in one turn of a chat, or one run; 0 = any number."
    )
    model_tokens_per_run: int = Field(
        default=0, ge=0, description="Tokens that models read and write in one turn or run; 0 = any number."
    )
    model_usd_per_run: float = Field(
        default=0.0, ge=0, description="US dollars that models may cost in one turn or run; 0 = any amount."
    )
    model_calls_per_sign_in: int = Field(
        default=4, ge=0, le=100, description="Model calls that one sign-in may make on pages it is not sure of."
    )

    notice_url: SecretStr | None = Field(
        default=None, description="Webhook that is told when an account needs a person; https, or on loopback."
    )
    notice_smtp: str | None = Field(
        default=None, description="Mail server for notices, host:port; unset = our own, for an address on our domains."
    )
    notice_mail: str | None = Field(default=None, description="Mail address that is told the same.")

    @field_validator("notice_url", mode="after")
    @classmethod
    def _private(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        parts = urlsplit(url.get_secret_value())
        here = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
            # The address often holds a token, so it is not repeated.
            raise ValueError("it must begin with https:// (http:// only on this machine)")
        return url

    @field_validator("vault_addr", mode="after")
    @classmethod
    def _encrypted(cls, address: str | None) -> str | None:
        parts = urlsplit(address or "")
        here = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if address is not None and not (
            parts.hostname
            and (parts.scheme == "https" or (parts.scheme == "http" and here))
            and not parts.query
            and not parts.username
        ):
            raise ValueError("it must begin with https:// (http:// only on this machine)")
        return address

    @field_validator("litellm_url", mode="after")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url is not None and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("it must begin with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("the key of the proxy goes into SEEZAR_LITELLM_KEY")
        return url

    @field_validator("private_hosts", mode="after")
    @classmethod
    def _hosts_or_blocks(cls, hosts: str) -> str:
        for entry in filter(None, (part.strip() for part in hosts.split(","))):
            if normal_host(entry.removeprefix("*.")) is None and not is_network(entry):
                raise ValueError(f"{entry[:100]!r} is no host, address or CIDR block")
        return hosts

    @field_validator("notice_smtp", mode="after")
    @classmethod
    def _host_and_port(cls, server: str | None) -> str | None:
        host, _, port = (server or "").rpartition(":")
        if server is not None and not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError("it must be host:port")
        return server

    @field_validator("notice_mail", mode="after")
    @classmethod
    def _reachable(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is None:
            return None
        name, _, domain = address.rpartition("@")
        if not name or not domain or any(sign.isspace() for sign in address):
            raise ValueError("it is not a mail address")
        ours = [part.strip().lower() for part in str(info.data.get("mail_domains", "")).split(",")]
        if domain.lower() not in ours and info.data.get("notice_smtp") is None:
            raise ValueError("it is on none of our domains: SEEZAR_NOTICE_SMTP must name a mail server")
        return address

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def mail_domain_list(self) -> tuple[str, ...]:
        """The local mail domains, lower case."""
        return tuple(part.strip().lower() for part in self.mail_domains.split(",") if part.strip())

    @property
    def private_host_list(self) -> tuple[str, ...]:
        """Hosts, addresses and blocks inside that pages and callers may lead to."""
        return tuple(part.strip() for part in self.private_hosts.split(",") if part.strip())

    @property
    def api_cors_list(self) -> tuple[str, ...]:
        """The origins whose pages may call the HTTP API."""
        return tuple(part.strip() for part in (self.api_cors or "").split(",") if part.strip())

    @property
    def notice_channels(self) -> "tuple[Literal['webhook', 'mail'], ...]":
        """The ways that notices take; none when neither is configured."""
        return (*(("webhook",) if self.notice_url else ()), *(("mail",) if self.notice_mail else ()))

    @property
    def mail_config_path(self) -> Path:
        """Path of the table of mail providers, which need not exist."""
        return self.mail_config.expanduser().absolute() if self.mail_config else self.home / "mail.toml"

    @property
    def log_dir(self) -> Path:
        """Folder of log files."""
        return self.home / "logs"

    @property
    def run_dir(self) -> Path:
        """Folder of locks and of the notes that running processes leave for each other."""
        return self.home / "run"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettingsInvalid: a variable has a value that its field does not take.
    """
    return load_settings()


def load_settings() -> Settings:
    """Read the settings anew.

    Raises:
        SettingsInvalid: a variable has a value that its field does not take.
    """
    from pydantic import ValidationError

    from seezar.errors import SettingsInvalid

    try:
        return Settings()
    except ValidationError as error:
        # The rejected value may be a secret (SEEZAR_MASTER_KEY), so only names and reasons are shown.
        problems = "; ".join(
            f"SEEZAR_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)
        )
        raise SettingsInvalid(problems) from None
