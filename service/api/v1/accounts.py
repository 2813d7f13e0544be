"""`/v1/accounts` and `/v1/sites`: identities on sites. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.accounts import Account, NewAccount
from seezar.accounts.records import AccountChange
from service.api.auth import Confirm, require
from service.api.etags import IfMatch, IfNoneMatch, answered, ensure_match, etag_of
from service.api.needs import App
from service.api.paging import Cursor, Limit, Page, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import NAME, AccountName, Strict

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute)
sites = APIRouter(prefix="/v1/sites", tags=["accounts"])

type Name = Annotated[str, Path(pattern=NAME, description="Name of an account.", examples=["staging-admin"])]
type Reader = Annotated[Caller, require(Scope.ACCOUNTS_READ)]
type Writer = Annotated[Caller, require(Scope.ACCOUNTS_WRITE)]
type Confirmed = Annotated[Confirm, Depends()]
type Factor = Literal["none", "totp", "email", "link"]
type Host = Annotated[str, Field(min_length=1, max_length=260, examples=["cdn.example.net"])]
type Url = Annotated[str, Field(min_length=1, max_length=2000, examples=["https://admin.example.com/login"])]


class AccountShape(BaseModel):
    """An account, without its secrets."""

    name: str
    start_url: str
    verify_url: str
    origins: list[str] = Field(description="Where its secrets may be used.")
    hosts: list[str] = Field(description="Further hosts that its browser may reach; no secret is used there.")
    username: str
    second_factor: Factor
    has_password: bool
    has_totp: bool
    mailbox: str | None
    keep_alive_s: int | None
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """What is shown of an account."""
        return cls(
            name=account.name,
            start_url=account.start_url,
            verify_url=account.verify_url,
            origins=list(account.origins),
            hosts=list(account.hosts),
            username=account.username,
            second_factor=account.second_factor,
            has_password=account.password_ref is not None,
            has_totp=account.totp_ref is not None,
            mailbox=account.mailbox,
            keep_alive_s=account.keep_alive_s,
            created_at=account.created_at,
        )


class NewAccountBody(Strict):
    """An account to add."""

    name: AccountName
    url: Url = Field(description="Page of the site where one signs in.")
    username: str = Field(min_length=1, max_length=320, examples=["ops@example.com"])
    password: SecretStr | None = Field(default=None, max_length=1024, description="Write-only.")
    totp: SecretStr | None = Field(
        default=None, max_length=1024, description="Key in base32 or otpauth://; write-only."
    )
    mailbox: str | None = Field(default=None, max_length=320, description="Where the site mails codes.")
    verify_url: Url | None = Field(default=None, description="A page that only a signed-in visitor sees.")
    origins: list[Url] = Field(default_factory=list, max_length=20, description="Further origins of the site.")
    hosts: list[Host] = Field(
        default_factory=list, max_length=100, description="Further hosts that its browser may reach."
    )
    second_factor: Factor | None = None
    keep_alive_s: int | None = Field(default=None, ge=1, le=2_592_000)


class AccountPatch(Strict):
    """What is to change; what is left out stays. "" clears a mailbox, 0 stops keeping alive."""

    username: str | None = Field(default=None, min_length=1, max_length=320)
    password: SecretStr | None = Field(default=None, min_length=1, max_length=1024, description="Write-only.")
    totp: SecretStr | None = Field(default=None, min_length=1, max_length=1024, description="Write-only.")
    mailbox: str | None = Field(default=None, max_length=320)
    second_factor: Factor | None = None
    keep_alive_s: int | None = Field(default=None, ge=0, le=2_592_000)
    hosts: list[Host] | None = Field(default=None, max_length=100, description="All further hosts; replaces the list.")


class SiteShape(BaseModel):
    """A web application that accounts are on."""

    start_url: str
    verify_url: str
    origins: list[str]
    accounts: list[str]


@router.get("", responses=documented(401, 403, 422, 503))
async def list_accounts(app: App, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[AccountShape]:
    """All accounts by name."""
    return page_by(await app.accounts.list(), key=lambda a: a.name, show=AccountShape.of, limit=limit, cursor=cursor)


@router.post("", status_code=201, responses=documented(400, 401, 403, 409, 415, 422, 503))
async def add_account(
    response: Response, app: App, caller: Writer, confirm: Confirmed, body: NewAccountBody
) -> AccountShape:
    """Add an account with its secrets. A caller without the scope `confirm` needs a person's confirmation."""
    what = body.model_dump(exclude={"password", "totp"})
    await confirm(caller, "add the account", body.name, what)
    if body.mailbox:
        await app.mail.ensure(body.mailbox)
    account = await app.accounts.add(
        NewAccount(
            name=body.name,
            url=body.url,
            username=body.username,
            password=_plain(body.password),
            totp=_plain(body.totp),
            mailbox=body.mailbox,
            verify_url=body.verify_url,
            origins=tuple(body.origins),
            hosts=tuple(body.hosts),
            second_factor=body.second_factor,
            keep_alive_s=body.keep_alive_s,
        )
    )
    shown = AccountShape.of(account)
    response.headers["location"] = f"/v1/accounts/{account.name}"
    response.headers["etag"] = etag_of(shown)
    return shown


@router.get("/{name}", response_model=AccountShape, responses=documented(401, 403, 404, 422, 503) | {304: {}})
async def get_account(app: App, caller: Reader, name: Name, if_none_match: IfNoneMatch = None) -> Response:
    """An account, without its secrets."""
    return answered(AccountShape.of(await app.accounts.get(name)), if_none_match)


@router.patch("/{name}", responses=documented(400, 401, 403, 404, 412, 415, 422, 503))
async def change_account(
    response: Response,
    app: App,
    caller: Writer,
    confirm: Confirmed,
    name: Name,
    body: AccountPatch,
    if_match: IfMatch = None,
) -> AccountShape:
    """Change an account; its site stays. With `If-Match` only if nobody else has changed it meanwhile."""
    ensure_match(AccountShape.of(await app.accounts.get(name)), if_match)
    await confirm(caller, "change the account", name, body.model_dump(exclude={"password", "totp"}, exclude_none=True))
    if body.mailbox:
        await app.mail.ensure(body.mailbox)
    account = await app.accounts.change(
        name,
        AccountChange(
            username=body.username,
            password=_plain(body.password),
            totp=_plain(body.totp),
            mailbox=body.mailbox,
            second_factor=body.second_factor,
            keep_alive_s=body.keep_alive_s,
            hosts=None if body.hosts is None else tuple(body.hosts),
        ),
    )
    shown = AccountShape.of(account)
    response.headers["etag"] = etag_of(shown)
    return shown


@router.delete("/{name}", status_code=204, responses=documented(401, 403, 404, 412, 422, 503))
async def remove_account(app: App, caller: Writer, confirm: Confirmed, name: Name, if_match: IfMatch = None) -> None:
    """Forget an account with its secrets and session. Its runs keep their history."""
    ensure_match(AccountShape.of(await app.accounts.get(name)), if_match)
    await confirm(caller, "remove the account", name)
    await app.accounts.remove(name)


@sites.get("", responses=documented(401, 403, 422, 503))
async def list_sites(app: App, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[SiteShape]:
    """The sites that accounts are on."""
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for account in await app.accounts.list():
        found.setdefault((account.start_url, account.verify_url, account.origins), []).append(account.name)
    rows = [
        SiteShape(start_url=start, verify_url=verify, origins=list(origins), accounts=names)
        for (start, verify, origins), names in found.items()
    ]
    return page_by(rows, key=_site_key, show=lambda site: site, limit=limit, cursor=cursor)


def _site_key(site: SiteShape) -> str:
    return " ".join((site.start_url, site.verify_url, *site.origins))


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
