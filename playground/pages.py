"""Turns templates into answers, and requests into what was typed."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

MAX_FORM_BYTES = 64 * 1024

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

STATIC_FOLDER = Path(__file__).parent / "static"

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html",), disabled_extensions=("txt",), default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class FormRefusedError(Exception):
    """A form that the site does not look at; shown as a page with `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def render_text(template: str, values: Mapping[str, object]) -> str:
    """The filled-in template. Only `.txt` templates are not escaped."""
    return _environment.get_template(template).render(values)


def render_page(
    template: str, values: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """The filled-in template as an answer; `headers` win over the security headers of every page."""
    return HTMLResponse(
        render_text(template, values), status_code=status, headers={**SECURITY_HEADERS, **(headers or {})}
    )


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form, first value of each.

    Raises:
        FormRefusedError: too large, or not URL-encoded.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        raise FormRefusedError(415, "This form can only be sent by a web page.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormRefusedError(413, "That is too much text for this form.")
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise FormRefusedError(400, "This form has too many fields.") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, value)
    return form
