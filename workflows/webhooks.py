"""Telling webhooks, at least once, beside whatever else the worker does."""

import asyncio
import logging
import ssl
from contextlib import suppress
from functools import cache

import httpx

from seezar.application import Application
from seezar.egress.errors import EgressRefused
from seezar.egress.hosts import PrivateHosts
from seezar.egress.public import PublicGate
from seezar.egress.transport import gated_client
from seezar.errors import SeezarError
from seezar.webhooks import Outbox, Sending
from seezar.webhooks.message import body_of, headers_of

log = logging.getLogger("seezar.worker")

# Seconds for connecting, and for each part of the answer; and for all of it.
_TIMEOUT_S = 10.0
_LONGEST_S = 20.0
_AT_ONCE = 8
_GONE = 410


class WebhookSender:
    """Sends what is due: one thing at a time to each webhook, so that a slow one keeps back nobody else's."""

    def __init__(self, application: Application) -> None:
        self._outbox: Outbox = application.outbox
        self._gate = PublicGate(PrivateHosts.parse(application.settings.private_host_list))
        self._serving: dict[str, asyncio.Task[None]] = {}

    async def begin(self) -> None:
        """Begin with what is due; call it at every beat.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        self._serving = {webhook: task for webhook, task in self._serving.items() if not task.done()}
        while len(self._serving) < _AT_ONCE:
            sending = await self._outbox.claim(busy=self._serving)
            if sending is None:
                return
            webhook = sending.delivery.webhook
            self._serving[webhook] = asyncio.create_task(self._serve(sending), name=f"webhook {webhook}")

    async def close(self) -> None:
        """Stop; what was not sent, or not known to be, is sent by the next worker."""
        for task in self._serving.values():
            task.cancel()
        for task in self._serving.values():
            with suppress(asyncio.CancelledError):
                await task

    async def _serve(self, sending: Sending) -> None:
        """Send this, and what else is due at the same webhook."""
        following: Sending | None = sending
        try:
            async with gated_client(self._gate, verify=_trust(), timeout=_TIMEOUT_S) as client:
                while following is not None:
                    await self._settle(following, await _try(client, following))
                    following = await self._outbox.claim(only=sending.delivery.webhook)
        except SeezarError as error:
            log.warning("a webhook waits: %s", error.status)

    async def _settle(self, sending: Sending, outcome: int | str) -> None:
        delivery = sending.delivery
        if isinstance(outcome, int) and 200 <= outcome < 300:
            await self._outbox.sent(delivery)
            return
        problem = f"it answered {outcome}" if isinstance(outcome, int) else outcome
        log.warning("webhook %s was not told %s: %s", delivery.webhook, delivery.id, problem)
        if outcome == _GONE:
            await self._outbox.gone(delivery.webhook, "it answered 410: it wants nothing any more")
        else:
            await self._outbox.failed(delivery, problem)


async def _try(client: httpx.AsyncClient, sending: Sending) -> int | str:
    """Send it; returns the status of the answer, or what was in the way, without the address."""
    body = body_of(sending.delivery)
    try:
        async with asyncio.timeout(_LONGEST_S):
            request = client.build_request(
                "POST",
                sending.url,
                content=body.encode(),
                headers=headers_of(sending.delivery, body, sending.secrets),
            )
            # The status is all that counts; what else is answered is not read.
            answer = await client.send(request, stream=True)
            await answer.aclose()
    except TimeoutError:
        return "no answer in time"
    except EgressRefused:
        return "its address leads where nothing may be sent"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"it cannot be reached ({type(error).__name__})"
    except Exception as error:  # noqa: BLE001 - one webhook must not keep the others back
        return f"it failed ({type(error).__name__})"
    return answer.status_code


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
