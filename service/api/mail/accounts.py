"""`/accounts`, `/me` and `/token`."""

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seezar.errors import InvalidInput
from seezar.mail.addresses import normal_address
from seezar.mail.errors import MailboxTaken
from seezar.mail.hosted import MAX_PASSWORD, MIN_PASSWORD, HostedAccount
from service.api.mail.callers import Caller, json_object, mail_api
from service.api.mail.problems import Invalid, Unauthorised
from service.api.mail.shapes import linked, moment, resource, written

router = APIRouter()

_BLANK = "This value should not be blank."
_JSON = ("application/json", "application/ld+json")


@router.post("/accounts")
async def create_account(request: Request) -> Response:
    """Make a mailbox with a password."""
    body = await json_object(request, *_JSON)
    address, password = body.get("address"), body.get("password")
    hosted = mail_api(request).hosted
    violations = [*_of_address(address, hosted.domains), *_of_password(password)]
    if violations:
        raise Invalid(violations)
    try:
        account = await hosted.create(str(address), str(password))
    except MailboxTaken:
        raise Invalid([("address", "This value is already used.")]) from None
    return resource(request, "Account", f"/accounts/{account.id}", account_fields(account), status=201)


def _of_address(address: object, domains: tuple[str, ...]) -> list[tuple[str, str]]:
    if not isinstance(address, str) or not address.strip():
        return [("address", _BLANK)]
    try:
        domain = normal_address(address).rpartition("@")[2]
    except InvalidInput:
        return [("address", "This value is not a valid email address.")]
    if domain not in domains:
        return [("address", f'The domain "{domain}" is not valid.')]
    return []


def _of_password(password: object) -> list[tuple[str, str]]:
    if not isinstance(password, str) or not password:
        return [("password", _BLANK)]
    if len(password) < MIN_PASSWORD:
        return [("password", f"This value is too short. It should have {MIN_PASSWORD} characters or more.")]
    if len(password) > MAX_PASSWORD:
        return [("password", f"This value is too long. It should have {MAX_PASSWORD} characters or less.")]
    return []


@router.post("/token")
async def log_in(request: Request) -> Response:
    """A token for the account of an address and a password."""
    body = await json_object(request, *_JSON)
    for key in ("address", "password"):
        if not isinstance(body.get(key), str):
            raise HTTPException(400, f'The key "{key}" must be provided.')
    grant = await mail_api(request).hosted.log_in(body["address"], body["password"])
    if grant is None:
        raise Unauthorised("Invalid credentials.")
    # The same in every shape, as at the original, whose token route stands beside its resources.
    path = f"/accounts/{grant.account.id}"
    return written({"id": grant.account.id, "token": grant.token, "@id": path}, "application/json")


@router.get("/me")
async def show_me(request: Request, caller: Caller) -> Response:
    """The account that calls."""
    return resource(request, "Account", f"/accounts/{caller.id}", account_fields(caller))


@router.get("/accounts/{account_id}")
async def show_account(request: Request, account_id: str, caller: Caller) -> Response:
    """The same by its id; another's is not found."""
    _own(caller, account_id)
    return resource(request, "Account", f"/accounts/{caller.id}", account_fields(caller))


@router.delete("/accounts/{account_id}")
async def delete_account(request: Request, account_id: str, caller: Caller) -> Response:
    """Remove the account that calls, and all its mail."""
    _own(caller, account_id)
    await mail_api(request).hosted.delete(caller)
    return Response(status_code=204)


def _own(caller: HostedAccount, account_id: str) -> None:
    if account_id != caller.id:
        raise HTTPException(404, "Not Found")


def account_fields(account: HostedAccount) -> dict[str, Any]:
    """An account as it is shown."""
    return {
        "id": account.id,
        "address": account.address,
        "quota": account.quota,
        "used": account.used,
        "isDisabled": False,
        "isDeleted": False,
        "createdAt": moment(account.created_at),
        "updatedAt": moment(account.updated_at),
    }


def account_event(account: HostedAccount) -> dict[str, Any]:
    """An account as it is told of in an event."""
    return {"@context": "/contexts/Account", **linked("Account", f"/accounts/{account.id}", account_fields(account))}
