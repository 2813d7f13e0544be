"""Entity tags (RFC 9110 section 8.8.3): what a caller has seen, so that nothing is overwritten unseen."""

import hashlib
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from seezar.errors import SeezarError

type IfNoneMatch = Annotated[str | None, Header(max_length=1000, description="ETag that the caller has.")]
type IfMatch = Annotated[str | None, Header(max_length=1000, description="ETag of what is to be changed.")]


class PreconditionFailed(SeezarError):
    """The thing was changed by somebody else since the caller saw it."""

    status = "precondition_failed"


def etag_of(shown: BaseModel) -> str:
    """The tag of a representation."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32]}"'


def answered(shown: BaseModel, if_none_match: str | None) -> Response:
    """The representation with its tag; 304 without it when the caller has it already."""
    tag = etag_of(shown)
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if if_none_match is not None and tag in _tags(if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(shown.model_dump_json(), media_type="application/json", headers=headers)


def ensure_match(shown: BaseModel, if_match: str | None) -> None:
    """Make sure that the caller has seen the thing as it is now; without a tag nothing is asked.

    Raises:
        PreconditionFailed: it has another tag.
    """
    if if_match is not None and if_match.strip() != "*" and etag_of(shown) not in _tags(if_match):
        raise PreconditionFailed(
            "It was changed since you saw it.",
            kept="It was left as it is.",
            next_step="Get it again and repeat the change with its new ETag.",
        )


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]
