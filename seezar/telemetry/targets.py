"""Where traces are sent: what the environment names, and nowhere else."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from seezar.errors import SettingsInvalid

# Langfuse takes OTLP at this path, with its keys as Basic authentication; its own SDK does the same.
# https://langfuse.com/docs/opentelemetry/get-started
_LANGFUSE_PATH = "/api/public/otel/v1/traces"
_LANGFUSE_CLOUD = "https://cloud.langfuse.com"
# Without it a Langfuse of the fourth generation shows what it was sent about ten minutes later.
# https://langfuse.com/integrations/native/opentelemetry#real-time-ingestion
_LANGFUSE_AT_ONCE = {"x-langfuse-ingestion-version": "4"}
# A write token names its region: pylf_v1_us_…; older ones, without, belong to the first region.
# https://logfire.pydantic.dev/docs/how-to-guides/alternative-backends/
_LOGFIRE = "https://logfire-{region}.pydantic.dev/v1/traces"
_LOGFIRE_REGION = re.compile(r"pylf_v\d+_(?P<region>[a-z]{2})_")
_TRACES = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Target:
    """One place: its name among people, the address of its OTLP/HTTP receiver, and what it asks for."""

    name: str
    url: str
    headers: Mapping[str, str] = field(repr=False, default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class LangfuseProject:
    """A project in Langfuse: the address of the server, without a slash at the end, and the two keys of the project."""

    base_url: str
    public_key: str
    secret_key: str = field(repr=False)


def langfuse_project(environ: Mapping[str, str]) -> LangfuseProject | None:
    """The project that `LANGFUSE_PUBLIC_KEY` and `LANGFUSE_SECRET_KEY` open, at `LANGFUSE_BASE_URL` (Langfuse's cloud
    when that is empty); None without both keys.

    Raises:
        SettingsInvalid: the address cannot be one.
    """
    public, secret = environ.get("LANGFUSE_PUBLIC_KEY"), environ.get("LANGFUSE_SECRET_KEY")
    if not public or not secret:
        return None
    base = _address("LANGFUSE_BASE_URL", environ.get("LANGFUSE_BASE_URL") or _LANGFUSE_CLOUD)
    return LangfuseProject(base.rstrip("/"), public, secret)


def targets(environ: Mapping[str, str]) -> list[Target]:
    """The places that the environment names; none of them is tried.

    Langfuse by `LANGFUSE_PUBLIC_KEY` and `LANGFUSE_SECRET_KEY` (`LANGFUSE_BASE_URL`), any receiver by the variables of
    OpenTelemetry (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`, with `…_HEADERS`), Logfire by
    `LOGFIRE_TOKEN`. `OTEL_SDK_DISABLED=true` switches all of them off.

    Raises:
        SettingsInvalid: one of them cannot be an address.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    found = [_langfuse(environ), _receiver(environ), _logfire(environ)]
    return [target for target in found if target is not None]


def _langfuse(environ: Mapping[str, str]) -> Target | None:
    project = langfuse_project(environ)
    if project is None:
        return None
    token = base64.b64encode(f"{project.public_key}:{project.secret_key}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", **_LANGFUSE_AT_ONCE}
    return Target("Langfuse", project.base_url + _LANGFUSE_PATH, headers)


def _receiver(environ: Mapping[str, str]) -> Target | None:
    # https://opentelemetry.io/docs/specs/otel/protocol/exporter/: the general address gets the path of the signal, that
    # of the signal is taken as it is.
    own, general = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    if url := environ.get(own):
        address = _address(own, url)
    elif url := environ.get(general):
        address = _address(general, url).rstrip("/") + _TRACES
    else:
        return None
    told = environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environ.get("OTEL_EXPORTER_OTLP_HEADERS") or ""
    pairs = (pair.partition("=") for pair in told.split(",") if "=" in pair)
    return Target("OTLP", address, {name.strip(): unquote(value.strip()) for name, _, value in pairs})


def _logfire(environ: Mapping[str, str]) -> Target | None:
    token = environ.get("LOGFIRE_TOKEN")
    if not token:
        return None
    region = _LOGFIRE_REGION.match(token)
    url = _LOGFIRE.format(region=region["region"] if region else "us")
    return Target("Logfire", url, {"Authorization": token})


def _address(variable: str, url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsInvalid(f"{variable} is no http or https address")
    return url.strip()
