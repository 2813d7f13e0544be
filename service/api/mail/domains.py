"""`/domains`: on which accounts can be made."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.api.mail.callers import mail_api
from service.api.mail.shapes import collection, moment, resource

router = APIRouter()


@router.get("/domains")
async def list_domains(request: Request) -> Response:
    """All of them, on one page."""
    hosted = mail_api(request).hosted
    since = await hosted.since()
    members = [_domain(name, since) for name in hosted.domains]
    return collection(request, "Domain", "/domains", members, total=len(members))


@router.get("/domains/{domain_id}")
async def show_domain(request: Request, domain_id: str) -> Response:
    """One of them."""
    hosted = mail_api(request).hosted
    for name in hosted.domains:
        path, fields = _domain(name, await hosted.since())
        if fields["id"] == domain_id:
            return resource(request, "Domain", path, fields)
    raise HTTPException(404, "Not Found")


def _domain(name: str, since: datetime) -> tuple[str, dict[str, Any]]:
    # The same at every start, although domains are settings and not rows.
    own = str(uuid5(NAMESPACE_DNS, name))
    fields = {
        "id": own,
        "domain": name,
        "isActive": True,
        "isPrivate": False,
        "createdAt": moment(since),
        "updatedAt": moment(since),
    }
    return f"/domains/{own}", fields
