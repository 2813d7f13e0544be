"""The parts of seezar put together over one database, for whichever process needs them."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from seezar.access import Access
from seezar.accounts import Account, Accounts, NewAccount, Runs, Sessions
from seezar.accounts.action_recipes import ActionRecipes
from seezar.accounts.adoptions import Adoptions
from seezar.accounts.attempts import Attempts
from seezar.accounts.idempotency_keys import IdempotencyKeys
from seezar.accounts.keeping import Keeping
from seezar.accounts.lease import Lease
from seezar.accounts.notices import Notices
from seezar.accounts.pages import Pages
from seezar.accounts.pauses import Pauses
from seezar.accounts.pictures import Pictures
from seezar.accounts.questions import Questions
from seezar.accounts.recipes import Recipes
from seezar.accounts.site_turns import SiteTurns
from seezar.accounts.states import States
from seezar.accounts.traces import Traces
from seezar.audit import Audit
from seezar.database import Database
from seezar.extraction.checkpoints import Checkpoints
from seezar.extraction.history import History
from seezar.extraction.recipes import ExtractionRecipes
from seezar.extraction.store import Extractions
from seezar.knowledge import Knowledge
from seezar.knowledge.collections import Collections
from seezar.mail.mailboxes import Mailboxes
from seezar.mail.service import Mail
from seezar.reporting.making import ReportMaker
from seezar.reporting.schedules import Schedules
from seezar.reports import Reports
from seezar.settings import Settings
from seezar.vault import Cipher, Vault
from seezar.vault.backends import Backends
from seezar.vault.keys import load_keyring
from seezar.webhooks import Outbox, Webhooks

if TYPE_CHECKING:
    from seezar.models.router import ModelRouter


@dataclass
class Application:
    """Everything that the ways in, the tools and the workflows use. Bound to the event loop that opened it."""

    settings: Settings
    database: Database
    cipher: Cipher = field(repr=False)
    vault: Vault
    audit: Audit
    access: Access
    accounts: Accounts
    sessions: Sessions
    runs: Runs
    adoptions: Adoptions
    idempotency_keys: IdempotencyKeys
    attempts: Attempts
    questions: Questions
    pauses: Pauses
    site_turns: SiteTurns
    keeping: Keeping
    states: States
    traces: Traces
    notices: Notices
    pages: Pages
    pictures: Pictures
    recipes: Recipes
    action_recipes: ActionRecipes
    mail: Mail
    mailboxes: Mailboxes
    knowledge: Knowledge
    collections: Collections
    reports: Reports
    extractions: Extractions
    extraction_recipes: ExtractionRecipes
    checkpoints: Checkpoints
    history: History
    report_maker: ReportMaker
    schedules: Schedules
    webhooks: Webhooks
    outbox: Outbox
    worker: Lease | None = None

    @classmethod
    async def open(
        cls,
        settings: Settings,
        url: str,
        *,
        application_name: str,
        max_connections: int = 4,
        worker: Lease | None = None,
    ) -> Self:
        """Connect to the migrated database at `url`; `worker` is the worker that this process is, if it is one.

        Raises:
            DatabaseUnavailable: it does not answer.
            KeyUnusable: the master key is damaged or not the one of this database.
        """
        cipher = Cipher(load_keyring(settings))
        async with AsyncExitStack() as stack:
            database = await Database.open(url, application_name=application_name, max_size=max_connections)
            stack.push_async_callback(database.close)
            vault = Vault(database, cipher, Backends.of(settings))
            await vault.check_key()
            audit = Audit(database, cipher)
            runs = Runs(database, worker=worker, audit=audit)
            notices = Notices(database, channels=settings.notice_channels)
            mail = Mail(
                database,
                vault,
                domains=settings.mail_domain_list,
                config=settings.mail_config_path,
                quota=settings.mail_quota,
            )
            history, checkpoints = History(database), Checkpoints(database, cipher)
            extractions = Extractions(database, audit)
            application = cls(
                settings=settings,
                database=database,
                cipher=cipher,
                vault=vault,
                audit=audit,
                access=Access(database, cipher),
                accounts=Accounts(database, vault),
                sessions=Sessions(database, cipher),
                runs=runs,
                adoptions=Adoptions(database),
                idempotency_keys=IdempotencyKeys(database),
                attempts=Attempts(database, cipher),
                questions=Questions(database, cipher, runs, timeout=settings.person_timeout),
                pauses=Pauses(database),
                site_turns=SiteTurns(database, per_minute=settings.site_sign_ins_per_minute),
                keeping=Keeping(database),
                states=States(database, notices),
                traces=Traces(database),
                notices=notices,
                pages=Pages(database, cipher),
                pictures=Pictures(database, cipher),
                recipes=Recipes(database),
                action_recipes=ActionRecipes(database),
                mail=mail,
                mailboxes=Mailboxes(mail),
                knowledge=Knowledge(database, audit=audit, models=lambda: application.models),
                collections=Collections(database, audit=audit),
                reports=Reports(database, cipher, audit),
                extractions=extractions,
                extraction_recipes=ExtractionRecipes(database),
                checkpoints=checkpoints,
                history=history,
                report_maker=ReportMaker(history, checkpoints),
                schedules=Schedules(database, audit, extractions, notices),
                webhooks=Webhooks(database, cipher, audit, private_hosts=settings.private_host_list),
                outbox=Outbox(database, cipher),
                worker=worker,
            )
            stack.pop_all()
            return application

    @cached_property
    def models(self) -> "ModelRouter":
        """The model pool.

        Raises:
            ModelConfigInvalid: `litellm_config.yaml` cannot be used.
        """
        # Commands that ask no model do not wait for its modules.
        from seezar.models.ledger import Ledger
        from seezar.models.router import build_router

        async def database() -> Database:
            return self.database

        return build_router(self.settings, Ledger(database))

    async def add_account(self, new: NewAccount) -> Account:
        """Store an account, and its mailbox where there is none yet.

        Raises:
            MailDomainNotServed: nobody makes mailboxes on its domain; nothing is stored.
            MailProviderRefused, MailProviderUnavailable: who may serve it cannot be asked; nothing is stored.
            InvalidInput, AccountExists: as `Accounts.add`; nothing is stored.
        """
        if new.mailbox:
            await self.mail.check_served(new.mailbox)
        account = await self.accounts.add(new)
        if account.mailbox:
            await self.mail.ensure(account.mailbox)
        return account

    async def close(self) -> None:
        """Close the connections to the database and to mail providers."""
        if "models" in vars(self):
            await self.models.ledger.close()
        await self.mail.close()
        await self.database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
