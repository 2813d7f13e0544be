"""Nothing that is a secret, or looks like one, gets past the mask."""

import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from seezar.telemetry.masking import MaskingExporter
from seezar.telemetry.revealed import RevealedSecrets
from seezar.telemetry.rules import masked

SECRET = "corn-flower-77"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef.ghi-jkl_123", "abcdef.ghi-jkl_123"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
        ('{"password": "corn-flower"}', "corn-flower"),
        (r'{"args": "{\"password\": \"corn-flower\"}"}', "corn-flower"),
        ("https://a.test/?token=1&api_key=corn-flower&x=1", "corn-flower"),
        ("Set-Cookie: sid=corn-flower; Path=/", "corn-flower"),
        ("my password is corn-flower, go on", "corn-flower"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
        ("a client szr_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", "0123456789abcdef"),
        ("otpauth://totp/a:b?issuer=c&secret=JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXP"),
        ("postgresql://ann:corn-flower@127.0.0.1:5432/seezar", "corn-flower"),
    ],
)
def test_what_looks_like_a_secret(text: str, secret: str) -> None:
    assert secret not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "The password was accepted and nothing else was tried.",
        "Submitting user name and password to http://127.0.0.1:34821",
        '{"second_factor": "email", "session_id": "057e7885-831a-4520-8373-567602d0b701"}',
        "A code from no-reply@harbor.test arrived",
        "bad_credentials: the site refused the password",
        "The password is accepted; the account «secret:password-0» is not.",
        '{"prompt_tokens": 1200, "max_tokens": 4096}',
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert masked(text) == text


def exported(exporter: InMemorySpanExporter, revealed: RevealedSecrets) -> str:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(MaskingExporter(exporter, revealed.redactor, name="test")))
    elsewhere = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span(f"open {SECRET}", links=[Link(elsewhere, {"why": SECRET})]) as span:
        span.set_attribute("plain", SECRET)
        span.set_attribute("list", ["a", SECRET])
        span.set_attribute("number", 7)
        span.add_event(f"typed {SECRET}", {"value": f"«{SECRET}»"})
        span.set_status(Status(StatusCode.ERROR, f"refused {SECRET}"))
    return "".join(span.to_json() for span in exporter.get_finished_spans())


def test_every_part_of_a_span_is_masked() -> None:
    revealed = RevealedSecrets()
    revealed.listening = True
    revealed.note("password", SECRET)
    text = exported(InMemorySpanExporter(), revealed)
    assert SECRET not in text
    assert text.count(json.dumps("«secret:password-0»")[1:-1]) == 7
    assert '"number": 7' in text


def test_what_cannot_be_masked_is_dropped() -> None:
    def broken() -> None:
        raise RuntimeError(SECRET)

    exporter = InMemorySpanExporter()
    mask = MaskingExporter(exporter, broken, name="test")  # pyright: ignore[reportArgumentType] - it is broken
    provider = TracerProvider()
    with provider.get_tracer("test").start_as_current_span(SECRET) as span:
        pass
    assert mask.export([span]) is SpanExportResult.FAILURE  # pyright: ignore[reportArgumentType] - a span of the SDK
    assert exporter.get_finished_spans() == ()


def test_nothing_is_remembered_while_nobody_listens() -> None:
    revealed = RevealedSecrets()
    revealed.note("password", SECRET)
    assert revealed.redactor()(SECRET) == SECRET


def test_the_oldest_are_forgotten_and_those_of_the_process_never() -> None:
    revealed = RevealedSecrets()
    revealed.listening = True
    revealed.known("groq_api_key", "gsk-for-ever")
    revealed.note("code", SECRET)
    for number in range(256):
        revealed.note("code", f"other-{number:04d}")
    redact = revealed.redactor()
    assert redact(SECRET) == SECRET
    assert redact("gsk-for-ever") != "gsk-for-ever"
    assert redact("other-0000") != "other-0000"
