"""Telling people: notices by webhook and mail, at least once, beside whatever else the worker does."""

import asyncio
import logging
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime

import httpx

from seezar.accounts.notices import Delivery, Notice
from seezar.application import Application
from seezar.errors import SeezarError
from seezar.mail.sending import MailServer, deliver, parse_server
from workflows.registry import live_workers

log = logging.getLogger("seezar.worker")

# Seconds for connecting, and for each part of the answer; and for all of it.
_TIMEOUT_S = 10.0
_LONGEST_S = 30.0


class NoticeSender:
    """Delivers what is due, one after the other, in a task of its own: a webhook may be slow."""

    def __init__(self, application: Application) -> None:
        self._app = application
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Deliver what is due now, unless that is being done."""
        if self._app.settings.notice_channels and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._deliver(), name="notices")

    async def close(self) -> None:
        """Stop; what was not delivered, or not known to be, is delivered by the next worker."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _deliver(self) -> None:
        try:
            while (delivery := await self._app.notices.claim()) is not None:
                problem = await self._try(delivery)
                if problem is None:
                    await self._app.notices.delivered(delivery)
                    continue
                log.warning("notice %s not delivered by %s: %s", delivery.notice.id, delivery.channel, problem)
                await self._app.notices.failed(delivery, problem)
        except SeezarError as error:
            log.warning("notices wait: %s", error.status)

    async def _try(self, delivery: Delivery) -> str | None:
        """Deliver; returns what was in the way, without the address, or None."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                if delivery.channel == "webhook":
                    return await self._post(delivery.notice)
                await self._mail(delivery.notice)
        except TimeoutError:
            return "no answer in time"
        except SeezarError as error:
            return error.what
        except Exception as error:  # noqa: BLE001 - one notice must not keep the others back
            return f"it failed ({type(error).__name__})"
        return None

    async def _post(self, notice: Notice) -> str | None:
        url = self._app.settings.notice_url
        assert url is not None
        try:
            # No proxy and no redirect: it goes where it was told to, and nowhere else.
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
                request = client.build_request(
                    "POST", url.get_secret_value(), json=as_object(notice), headers={"Idempotency-Key": notice.id}
                )
                # The status is all that counts; what else is answered is not read.
                answer = await client.send(request, stream=True)
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"it cannot be reached ({type(error).__name__})"
        return None if answer.is_success else f"it answered {answer.status_code}"

    async def _mail(self, notice: Notice) -> None:
        settings = self._app.settings
        assert settings.notice_mail is not None
        if settings.notice_smtp is not None:
            server = MailServer(*parse_server(settings.notice_smtp))
        else:
            await self._app.mail.ensure(settings.notice_mail)
            server = MailServer("127.0.0.1", _own_port(self._app))
        message = as_mail(
            notice, settings.notice_mail, sender=f"seezar@{next(iter(settings.mail_domain_list), 'localhost')}"
        )
        await asyncio.to_thread(deliver, server, message)


def _own_port(application: Application) -> int:
    settings = application.settings
    return next((worker.smtp_port for worker in live_workers(settings) if worker.smtp_port), settings.smtp_port)


def as_object(notice: Notice) -> dict[str, object]:
    """The JSON of a notice. `text` alone is enough to be understood, as chat services show it."""
    return {
        "id": notice.id,
        "kind": notice.kind,
        "account": notice.account,
        "run_id": notice.run_id,
        "text": f"{notice.text} {notice.next_step}".strip(),
        "created_at": notice.created_at.isoformat(),
    }


def as_mail(notice: Notice, recipient: str, *, sender: str) -> EmailMessage:
    """The mail of a notice; sent again, it has the same Message-ID."""
    message = EmailMessage()
    message["Subject"] = notice.text
    message["From"] = f"seezar <{sender}>"
    message["To"] = recipient
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<notice-{notice.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{notice.text}\n\n{notice.next_step}\n".rstrip() + "\n")
    return message
