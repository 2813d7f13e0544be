"""The mails of a journey: a code, or a link."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from playground.kit.site import JourneySite
from playground.kit.walks import Walk
from playground.mailer import compose_code_mail
from playground.pages import render_text


async def send_code(site: JourneySite, walk: Walk, *, code: str = "") -> None:
    """Mail a code to the mailbox of the account that is signing in; nobody learns whether there is such an account.

    Args:
        code: of the site's own making; a fresh one of `knobs.code_length` digits when left out.

    Raises:
        MailUnavailableError: the mail was not taken.
    """
    account = site.account(walk.username)
    if account is None or account.mailbox is None:
        return
    lifetime = site.state.knobs.code_lifetime
    if not code:
        code = site.state.mail_codes.issue((site.shape.name, account.username.casefold()), walk.mail).code
    message = compose_code_mail(
        brand=site.shape.brand,
        domain=site.shape.domain,
        recipient=account.mailbox,
        username=account.username,
        code=code,
        now=site.state.clock.now(),
        lifetime=lifetime,
        in_subject=False,
    )
    await site.state.mailer.send(message)
    site.counters.codes_sent += 1


async def send_link(site: JourneySite, walk: Walk, link: str) -> None:
    """Mail a sign-in link to the mailbox of the account that is signing in.

    Raises:
        MailUnavailableError: the mail was not taken.
    """
    account = site.account(walk.username)
    if account is None or account.mailbox is None:
        return
    site.state.note(site.shape.name, account.username, "mail")
    values: Mapping[str, object] = {"brand": site.shape.brand, "link": link, "home": walk.base}
    message = EmailMessage()
    message["Subject"] = f"Sign in to {site.shape.brand}"
    message["From"] = f"{site.shape.brand} <no-reply@{site.shape.domain}>"
    message["To"] = account.mailbox
    message["Date"] = format_datetime(datetime.fromtimestamp(site.state.clock.now(), UTC))
    message["Message-ID"] = make_msgid(domain=site.shape.domain)
    message.set_content(render_text("journeys/link_mail.txt", values))
    message.add_alternative(render_text("journeys/link_mail.html", values), subtype="html")
    await site.state.mailer.send(message)
    site.counters.codes_sent += 1
