"""The README's pictures, made anew: `python tests/widgets/screenshots.py` writes data/screenshots/*.png.

Run by hand, where the widgets look otherwise than before.
"""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from pathlib import Path

import pytest

from mbtoolkit.cli.demo import sample

FOLDER = Path(__file__).parent.parent.parent / "data" / "screenshots"
CLIENT = "from mbtoolkit import Client\nclient = Client({!r}, {!r})\n"

FEW_COLOURS = """async (data) => {
  const image = new Image();
  image.src = `data:image/png;base64,${data}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const colours = [], counts = new Map();
  for (let at = 0; at < pixels.length; at += 4) {
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    colours.push(colour);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, COUNT).map(([colour]) => colour);
  const near = new Map(palette.map((colour, place) => [colour, place]));
  const apart = (a, b) => [16, 8, 0].reduce((sum, bits) => sum + ((a >> bits & 255) - (b >> bits & 255)) ** 2, 0);
  for (const colour of counts.keys()) {
    if (near.has(colour)) continue;
    let best = 0;
    palette.forEach((each, place) => { if (apart(each, colour) < apart(palette[best], colour)) best = place; });
    near.set(colour, best);
  }
  return {width: image.width, height: image.height, palette, places: colours.map((colour) => near.get(colour))};
}""".replace("COUNT", "64")


def small(page, content):
    """A PNG with 64 colours, the commonest ones."""
    drawn = page.evaluate(FEW_COLOURS, base64.b64encode(content).decode())
    width, height = drawn["width"], drawn["height"]
    places = bytes(drawn["places"])
    lines = b"".join(b"\0" + places[at : at + width] for at in range(0, width * height, width))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(colour.to_bytes(3, "big") for colour in drawn["palette"])),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    chunks = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
              for name, data in parts)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def picture(shown, name, height=None):
    """Writes what is shown, cut to a height in pixels."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.png"
    shown.scroll_into_view_if_needed()
    room = shown.bounding_box()
    clip = {**room, "height": min(height or room["height"], room["height"])}
    shown.page.mouse.move(0, 0)
    path.write_bytes(small(shown.page, shown.page.screenshot(clip=clip, animations="disabled", caret="hide")))
    print(f"{path.name}: {path.stat().st_size:,} bytes")


@pytest.fixture
def opened(lab, crm):
    def open_with(code, width=1200, height=1800):
        book = lab.open(CLIENT.format(crm.base_url, crm.token) + code, width=width, height=height)
        return book.page

    return open_with


@pytest.mark.browser
def test_the_panel(opened):
    code = f"from mbtoolkit.widgets import PushPanel\nPushPanel(client, {str(sample('contacts.csv'))!r})"
    panel = opened(code).locator(".mbt-push-panel")
    panel.get_by_role("button", name="Next").click()
    panel.get_by_label("Country of phone numbers").fill("Country")
    panel.get_by_role("button", name="Next", exact=True).click()
    panel.get_by_role("button", name="Mend", exact=False).click()
    panel.get_by_role("button", name="Duplicates", exact=True).click()
    panel.get_by_role("button", name="Look for duplicates").click()
    panel.get_by_role("button", name="Next group").click()
    panel.get_by_text("Group 2 of").wait_for()
    picture(panel, "clean-up", 1085)
    panel.get_by_role("button", name="Next", exact=True).click()
    panel.get_by_role("button", name="Show the rows of email syntax in the grid").click()
    panel.locator(".mbg-row[data-filled=yes]").first.wait_for()
    panel.locator(".mbg-scroller").evaluate("(scroller) => { scroller.scrollLeft = 620; }")
    panel.page.wait_for_timeout(800)
    picture(panel, "push-panel", 780)


@pytest.mark.browser
def test_the_form(opened):
    contact = {
        "email": "ada@example.com",
        "mobile_country_code": 47,
        "mobile_number": 93454496,
        "property:City": "Oslo",
    }
    page = opened(f"from mbtoolkit.widgets import ContactForm\nContactForm(client, {contact!r})", width=900)
    form = page.locator(".mbt-surface")
    form.get_by_label("E-mail", exact=True).wait_for()
    page.wait_for_timeout(500)
    picture(form, "contact-form")


GRID = """
import polars as pl
from mbtoolkit.widgets import ContactGrid
ContactGrid(pl.DataFrame({
    "contact_id": [None, "4711", None, "n/a", None, None],
    "email": ["ann@example.com", "bo@example", "cy\\u200b@example.com", "dee@example.com", "ann@example.com", None],
    "mobile_country_code": [47, 47, None, 46, None, 47],
    "mobile_number": ["93454496", "93454497", None, "701740605", None, "n/a"],
    "email_opt_in": ["yes", "no", "perhaps", None, None, "yes"],
    "property:City": ["Oslo", "Bergen", "Malmö", "Paris", "Oslo", "Voss"],
}), visible_rows=6)
"""


@pytest.mark.browser
def test_the_grid(opened):
    page = opened(GRID)
    grid = page.locator(".mbg")
    grid.locator(".mbg-row[data-filled=yes]").first.wait_for()
    grid.get_by_role("grid").focus()
    for _ in range(3):
        page.keyboard.press("F8")
        page.wait_for_timeout(300)
    picture(grid, "contact-grid")


if __name__ == "__main__":
    options = ["-q", "-s", "-o", "python_files=screenshots.py"]
    sys.exit(pytest.main([__file__, *options]))
