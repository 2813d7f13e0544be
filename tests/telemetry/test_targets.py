"""Where traces go: what the environment names, with what each place asks for."""

import base64

import pytest

from seezar.errors import SettingsInvalid
from seezar.telemetry.targets import targets


def test_nothing_named_is_nowhere() -> None:
    assert targets({"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_BASE_URL": "http://127.0.0.1:3000"}) == []


def test_langfuse_by_both_keys() -> None:
    (target,) = targets(
        {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk", "LANGFUSE_BASE_URL": "http://127.0.0.1:3000/"}
    )
    assert target.url == "http://127.0.0.1:3000/api/public/otel/v1/traces"
    assert target.headers["Authorization"] == "Basic " + base64.b64encode(b"pk:sk").decode()
    assert "sk" not in repr(target)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/in"}, "http://c:4318/in"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/in"},
            "http://d/in",
        ),
    ],
)
def test_any_receiver_by_the_variables_of_opentelemetry(environ: dict[str, str], url: str) -> None:
    (target,) = targets({**environ, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b, y=c"})
    assert (target.url, target.headers) == (url, {"x-key": "a b", "y": "c"})


@pytest.mark.parametrize(
    ("token", "host"),
    [("pylf_v1_eu_abc", "logfire-eu.pydantic.dev"), ("old", "logfire-us.pydantic.dev")],
)
def test_logfire_in_the_region_of_its_token(token: str, host: str) -> None:
    (target,) = targets({"LOGFIRE_TOKEN": token})
    assert target.url == f"https://{host}/v1/traces"
    assert target.headers == {"Authorization": token}


def test_switched_off() -> None:
    assert targets({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}) == []


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_what_is_no_address_is_named(name: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        targets({name: "collector:4318"})
