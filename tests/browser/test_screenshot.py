"""Screenshots cover form fields and known secrets, in every frame: judged by the pixels."""

import base64

import pytest
from playwright.async_api import Locator, Page

from seezar.browser.reader import screenshot
from seezar.redaction import Redactor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

COVER = (0x6B, 0x72, 0x80)
WHITE = (255, 255, 255)
PAGE = """
<style>
  * {{ font: 20px monospace; background: #fff; }}
  p, input, textarea, select {{ display: block; width: 300px; }}
</style>
<body><p id="plain">nothing to hide</p>{}</body>
"""
# The colours in a rectangle of a PNG, found by the browser that made it.
COLOURS = """async ([png, left, top, width, height]) => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const drawing = new OffscreenCanvas(image.width, image.height).getContext('2d');
  drawing.drawImage(image, 0, 0);
  const {data} = drawing.getImageData(left, top, width, height);
  const found = new Set();
  for (let i = 0; i < data.length; i += 4) found.add(data.slice(i, i + 3).join());
  return [...found].map((colour) => colour.split(',').map(Number));
}"""


async def picture(page: Page, body: str, redact: Redactor, *, codes: bool = False) -> str:
    """A screenshot of a page with this body, in base64."""
    await page.set_content(PAGE.format(body))
    return base64.b64encode(await screenshot(page, redact, codes=codes)).decode()


async def colours(png: str, place: Locator) -> set[tuple[int, ...]]:
    """The colours of the middle of an element."""
    box = await place.bounding_box()
    assert box is not None
    area = [int(box["x"]) + 3, int(box["y"]) + 3, int(box["width"]) - 6, int(box["height"]) - 6]
    return {tuple(colour) for colour in await place.page.evaluate(COLOURS, [png, *area])}


@pytest.mark.parametrize(
    "field",
    [
        '<input id="f" value="geheim-4711">',
        '<input id="f" type="password" value="geheim-4711">',
        '<input id="f" type="email" value="a@geheim.example">',
        '<textarea id="f">geheim-4711</textarea>',
        '<select id="f"><option>geheim-4711</option></select>',
    ],
)
async def test_a_field_is_covered(page: Page, field: str) -> None:
    image = await picture(page, field, Redactor({}))
    assert await colours(image, page.locator("#f")) == {COVER}
    assert WHITE in await colours(image, page.locator("#plain"))


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("geheim-4711", "Your password is geheim-4711."),
        ("ge/he'im\"$(4711)", "ge/he'im\"$(4711)"),
        ("483920", "483 920"),
        ("JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp"),
    ],
)
async def test_a_known_secret_is_covered(page: Page, secret: str, shown: str) -> None:
    redact = Redactor({"other": "something-else", "secret": secret})
    image = await picture(page, f'<p id="shown">{shown}</p>', redact)
    assert await colours(image, page.locator("#shown")) == {COVER}
    assert WHITE in await colours(image, page.locator("#plain"))
    without = await picture(page, f'<p id="shown">{shown}</p>', Redactor({}))
    assert COVER not in await colours(without, page.locator("#shown"))


async def test_fields_and_secrets_of_frames_are_covered(page: Page) -> None:
    inner = "<p id=shown>geheim-4711</p><input id=f value=typed>"
    image = await picture(page, f'<iframe srcdoc="{inner}"></iframe>', Redactor({"password": "geheim-4711"}))
    frame = page.frame_locator("iframe")
    assert await colours(image, frame.locator("#f")) == {COVER}
    assert await colours(image, frame.locator("#shown")) == {COVER}


async def test_buttons_and_boxes_are_shown(page: Page) -> None:
    body = '<input type="submit" id="submit" value="Go"><input type="checkbox" id="box"><input type="radio" id="radio">'
    image = await picture(page, body, Redactor({}))
    for name in ("submit", "box", "radio"):
        assert COVER not in await colours(image, page.locator(f"#{name}"))


async def test_the_page_is_as_before(page: Page) -> None:
    await picture(page, '<input id="f" value="typed">', Redactor({"password": "geheim-4711"}))
    assert await page.locator("#f").input_value() == "typed"
    assert await page.locator("body > *").count() == 2


@pytest.mark.parametrize(
    "shown", ["4839", "483 920", "483-920", "4 8 3 9 2 0", "K7F-49X2", "abc12345", "<b>483</b>920"]
)
async def test_what_looks_like_a_code_is_covered_when_asked(page: Page, shown: str) -> None:
    body = f'<p id="f">{shown}</p>'
    assert await colours(await picture(page, body, Redactor({}), codes=True), page.locator("#f")) == {COVER}
    assert COVER not in await colours(await picture(page, body, Redactor({})), page.locator("#f"))


@pytest.mark.parametrize("shown", ["Sign in failed", "Wrong password", "page 2 of 3"])
async def test_plain_words_stay_readable(page: Page, shown: str) -> None:
    body = f'<p id="f">{shown}</p>'
    assert COVER not in await colours(await picture(page, body, Redactor({}), codes=True), page.locator("#f"))


@pytest.mark.parametrize(
    "field",
    [
        '<div id="f" contenteditable>geheim-abc</div>',
        '<div id="f" role="textbox" contenteditable="true">geheim-abc</div>',
        '<output id="f" style="display:block;width:300px;height:30px">geheim-abc</output>',
    ],
)
async def test_what_is_written_into_other_elements_is_covered(page: Page, field: str) -> None:
    assert await colours(await picture(page, field, Redactor({})), page.locator("#f")) == {COVER}
