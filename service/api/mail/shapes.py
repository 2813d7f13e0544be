"""How resources are written: JSON-LD with Hydra collections, or plain JSON, as the client accepts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.api.mail.faults import Faults, Shape

_LD = "application/ld+json"
_PLAIN = "application/json"


def wanted_shape(request: Request) -> Shape:
    """The shape that the client accepts; JSON-LD when it does not say."""
    faults: Faults = request.app.state.faults
    if faults.shape is not None:
        return faults.shape
    weights = dict.fromkeys((_LD, _PLAIN), 0.0)
    for entry in request.headers.get("accept", "").lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        if kind in weights:
            weights[kind] = max(weights[kind], _quality(parameters))
    return "plain" if weights[_PLAIN] > weights[_LD] else "hydra"


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def resource(request: Request, kind: str, path: str, fields: dict[str, Any], *, status: int = 200) -> Response:
    """A response with one resource.

    Args:
        kind: its `@type`.
        path: its `@id`.
    """
    shape = wanted_shape(request)
    if shape == "plain":
        return written(fields, _PLAIN, status)
    return written({"@context": f"/contexts/{kind}", **linked(kind, path, fields)}, _LD, status)


def linked(kind: str, path: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A resource with its `@id` and `@type`."""
    return {"@id": path, "@type": kind, **fields}


def collection(
    request: Request,
    kind: str,
    path: str,
    members: Sequence[tuple[str, dict[str, Any]]],
    *,
    total: int,
    page: int = 1,
    pages: int = 1,
) -> Response:
    """A response with one page of resources.

    Args:
        path: `@id` of the whole collection.
        members: of this page, each with its own `@id`.
        total: on all pages.
    """
    shape = wanted_shape(request)
    if shape == "plain":
        return written([fields for _, fields in members], _PLAIN)
    prefix = "hydra:" if shape == "hydra" else ""
    body = {
        "@context": f"/contexts/{kind}",
        "@id": path,
        "@type": f"{prefix}Collection",
        f"{prefix}totalItems": total,
        f"{prefix}member": [linked(kind, own, fields) for own, fields in members],
        f"{prefix}view": _view(path, prefix, page, pages),
    }
    return written(body, _LD)


def _view(path: str, prefix: str, page: int, pages: int) -> dict[str, str]:
    view = {"@id": f"{path}?page={page}", "@type": f"{prefix}PartialCollectionView"}
    if pages > 1:
        view |= {f"{prefix}first": f"{path}?page=1", f"{prefix}last": f"{path}?page={pages}"}
        if page > 1:
            view[f"{prefix}previous"] = f"{path}?page={page - 1}"
        if page < pages:
            view[f"{prefix}next"] = f"{path}?page={page + 1}"
    return view


def written(body: Any, media_type: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response. What a mail says cannot be made to break it: half surrogate pairs become question marks."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # Answers hold mail: no cache may keep them.
    return Response(
        text.encode("utf-8", "replace"),
        status,
        {"cache-control": "no-store", "content-type": f"{media_type}; charset=utf-8", **(headers or {})},
    )


def moment(at: datetime) -> str:
    """A point in time as the original writes it: seconds, with an offset."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
