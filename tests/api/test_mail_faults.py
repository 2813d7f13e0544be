"""Misbehaviour on request, and that there is none without."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seezar.settings import Settings
from service.api.mail.faults import Faults
from tests.api import mails
from tests.api.server import MailServer, Reader
from tests.api.test_mail_events import Stream, listening, subjects, until

PLAIN = {"accept": "application/json"}


@pytest.fixture
async def ann(server: MailServer) -> Reader:
    return await server.account("ann")


async def test_without_faults_nothing_fails(server: MailServer, ann: Reader) -> None:
    server.faults.requests = 0
    assert {(await ann.client.get("/me")).status_code for _ in range(30)} == {200}
    assert server.faults == Faults(requests=30)
    assert not [name for name in Settings.model_fields if "fault" in name]


async def test_every_third_request_is_one_too_many(server: MailServer, ann: Reader) -> None:
    server.faults.requests, server.faults.busy_every = 0, 3
    answers = [await ann.client.get("/me") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    server.faults.busy_retry_after = None
    for _ in range(2):
        await ann.client.get("/me")
    assert "retry-after" not in (await ann.client.get("/me")).headers


async def test_every_second_request_breaks(server: MailServer, ann: Reader) -> None:
    server.faults.requests, server.faults.broken_every = 0, 2
    assert [(await ann.client.get("/me")).status_code for _ in range(4)] == [200, 502, 200, 502]


async def test_a_token_is_used_up(server: MailServer, ann: Reader) -> None:
    server.faults.token_uses = 2
    assert [(await ann.client.get("/me")).status_code for _ in range(4)] == [200, 200, 401, 401]
    assert (await ann.client.get("/me")).json() == {"code": 401, "message": "Expired JWT Token"}


async def test_lists_name_each_message_twice(server: MailServer, ann: Reader) -> None:
    server.faults.duplicates = True
    for number in range(2):
        await server.deliver(ann.address, mails.plain(number))
    listed = (await ann.client.get("/messages", headers=PLAIN)).json()
    assert [message["subject"] for message in listed] == ["Code 1", "Code 1", "Code 0", "Code 0"]


async def test_events_are_numbers(server: MailServer, ann: Reader) -> None:
    server.faults.number_events = True
    async with listening(server, ann) as stream:
        await server.deliver(ann.address, mails.plain(1))
        assert [await stream.next(), await stream.next()] == [2, 2]


async def test_mail_is_shown_late(server: MailServer, ann: Reader) -> None:
    server.faults.delay = 1.5
    async with listening(server, ann) as stream:
        await stream.beat()
        await server.deliver(ann.address, mails.plain(1))
        began = time.monotonic()
        assert (await ann.client.get("/messages")).json()["hydra:totalItems"] == 0
        assert await subjects(stream, 1) == ["Code 1"]
        assert time.monotonic() - began > 1
    assert (await ann.client.get("/messages")).json()["hydra:totalItems"] == 1


async def test_a_stream_is_dropped_and_taken_up_again(server: MailServer, ann: Reader) -> None:
    server.faults.drop_stream_after = 3
    async with listening(server, ann) as stream:
        for number in range(3):
            await server.deliver(ann.address, mails.plain(number))
        assert len([event async for event in _all(stream)]) == 3
    await until(lambda: not server.streams)
    server.faults.drop_stream_after = 0
    async with listening(server, ann, last=stream.ids[-1]) as stream:
        assert await subjects(stream, 2) == ["Code 1", "Code 2"]


async def _all(stream: Stream) -> AsyncIterator[Any]:
    while (event := await stream.next()) is not None:
        yield event


@pytest.mark.parametrize(("shape", "members"), [("plain", None), ("hydra", "hydra:member"), ("member", "member")])
async def test_a_shape_is_forced(server: MailServer, ann: Reader, shape: str, members: str | None) -> None:
    server.faults.shape = shape  # pyright: ignore[reportAttributeAccessIssue]
    await server.deliver(ann.address, mails.plain(1))
    for accept in ("application/json", "application/ld+json"):
        body = (await ann.client.get("/messages", headers={"accept": accept})).json()
        listed = body if members is None else body[members]
        assert [message["subject"] for message in listed] == ["Code 1"]
