"""Pages that were opened behind a login: their redacted text, their screenshot and a file that they gave, encrypted."""

from dataclasses import dataclass
from uuid import uuid4

from seezar.accounts.records import Page
from seezar.database import Database
from seezar.errors import PageUnknown
from seezar.vault import Cipher
from seezar.vault.columns import PAGE, PAGE_FILE, SCREENSHOT


@dataclass(frozen=True)
class NewPage:
    """What `Pages.store` takes; `text` must have passed the redaction gate.

    Attributes:
        file: name and content of what was downloaded from it.
    """

    run_id: str
    account: str
    url: str
    title: str
    text: str
    screenshot: bytes | None
    file: tuple[str, bytes] | None = None


class Pages:
    """The pages in `app.page`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def store(self, page: NewPage) -> str:
        """Store a page; returns its id."""
        page_id = str(uuid4())
        shot = page.screenshot
        if shot is not None:
            shot = self._cipher.encrypt(shot, context=SCREENSHOT.context(page_id))
        name, content = page.file or (None, None)
        await self._database.run(
            "INSERT INTO app.page (id, run_id, account, url, title, body, screenshot, file, file_name)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            page_id,
            page.run_id,
            page.account,
            page.url,
            page.title,
            self._cipher.encrypt(page.text.encode(), context=PAGE.context(page_id)),
            shot,
            None if content is None else self._cipher.encrypt(content, context=PAGE_FILE.context(page_id)),
            name,
        )
        return page_id

    async def get(self, page_id: str) -> Page:
        """The page.

        Raises:
            PageUnknown: no page of this id.
        """
        row = await self._database.one("SELECT * FROM app.page WHERE id::text = %s", page_id)
        if row is None:
            raise PageUnknown(f"There is no page {page_id!r}.", next_step="Open the page again.")
        text = self._cipher.decrypt(bytes(row["body"]), context=PAGE.context(page_id)).decode()
        return Page(
            id=str(row["id"]),
            run_id=row["run_id"],
            account=row["account"],
            url=row["url"],
            title=row["title"],
            text=text,
            has_screenshot=row["screenshot"] is not None,
            taken_at=row["taken_at"],
        )

    async def latest(self, account: str) -> Page | None:
        """The page that was opened last for `account`, or None."""
        row = await self._database.one(
            "SELECT id FROM app.page WHERE account = %s ORDER BY taken_at DESC LIMIT 1", account
        )
        return None if row is None else await self.get(str(row["id"]))

    async def screenshot(self, page_id: str) -> bytes | None:
        """The PNG of the page, or None when none was taken."""
        row = await self._database.one("SELECT screenshot FROM app.page WHERE id::text = %s", page_id)
        if row is None or row["screenshot"] is None:
            return None
        return self._cipher.decrypt(bytes(row["screenshot"]), context=SCREENSHOT.context(page_id))

    async def file(self, page_id: str) -> tuple[str, bytes] | None:
        """Name and content of what was downloaded from the page, or None when nothing was."""
        row = await self._database.one("SELECT file, file_name FROM app.page WHERE id::text = %s", page_id)
        if row is None or row["file"] is None:
            return None
        return row["file_name"], self._cipher.decrypt(bytes(row["file"]), context=PAGE_FILE.context(page_id))
