"""`/docs`: the API described for people, without a script, and without anything from outside."""

from typing import Any

from fastapi import APIRouter
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>seezar API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; background: #8881; padding: .6rem; border-radius: 6px; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; } .scope { opacity: .75; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top; }
</style></head><body>
<h1>seezar API</h1><p>{{ about }}</p>
<p>Machine-readable: <a href="/openapi.json">/openapi.json</a>. Get a token: <code>POST /v1/token</code>.</p>
{% for tag, operations in groups.items() %}
<h2>{{ tag }}</h2>
{% for o in operations %}
<details><summary><span class="method">{{ o.method }}</span> <code>{{ o.path }}</code>
{% if o.scopes %}<span class="scope">· {{ o.scopes }}</span>{% endif %}</summary>
<p>{{ o.text }}</p>
{% if o.parameters %}<table>{% for p in o.parameters %}
<tr><td><code>{{ p.name }}</code></td><td>{{ p.in }}{{ ", required" if p.required else "" }}</td>
<td>{{ p.description or "" }}</td></tr>{% endfor %}</table>{% endif %}
{% if o.body %}<p>Body:</p><pre>{{ o.body }}</pre>{% endif %}
<p>Answers: {{ o.answers }}</p></details>
{% endfor %}{% endfor %}
</body></html>"""
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    """All routes, with what they take and answer."""
    schema = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(_row(schema, path, method, operation))
    html = _PAGE.render(about=schema["info"]["description"], groups=groups)
    return HTMLResponse(html, headers={"content-security-policy": _POLICY})


def _row(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    body = next(iter(content.values()), {}).get("schema", {})
    return {
        "method": method.upper(),
        "path": path,
        "scopes": ", ".join(operation.get("x-scopes", [])),
        "text": operation.get("description", operation.get("summary", "")),
        "parameters": operation.get("parameters", []),
        "body": "\n".join(_fields(schema, body)),
        "answers": ", ".join(sorted(operation["responses"])),
    }


def _fields(schema: dict[str, Any], body: dict[str, Any]) -> list[str]:
    """A line for each field of a body."""
    name = str(body.get("$ref", "")).rpartition("/")[2]
    shape = schema["components"]["schemas"].get(name, body)
    required = shape.get("required", [])
    return [
        f"{field}: {_type(about)}{'' if field in required else ' (optional)'}  {about.get('description', '')}".rstrip()
        for field, about in shape.get("properties", {}).items()
    ]


def _type(about: dict[str, Any]) -> str:
    if "anyOf" in about:
        return " or ".join(_type(one) for one in about["anyOf"])
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    return str(about.get("type", "object"))
