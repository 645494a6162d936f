"""Contact sheets: every picture once, pages of a bounded size, names as text."""

import base64
import io
import re

import pytest
from PIL import Image

from whosame.errors import InputError
from whosame.naming.config import NamingConfig
from whosame.naming.contact_sheets import write_contact_sheets
from whosame.naming.identity_table import IdentityRow

SIZES = {"wide": (400, 100), "tall": (100, 400), "square": (200, 200)}


@pytest.fixture
def rows(tmp_path):
    """Identity 1 has 7 images, 10 has 4, <b> has 2; 9 images are outliers."""
    names = ["1"] * 7 + ["10"] * 4 + ["<b>"] * 2 + [""] * 9
    found = []
    for number, name in enumerate(names):
        path = f'{number:02d} {list(SIZES)[number % 3]} "&.jpg'
        Image.new("RGB", SIZES[list(SIZES)[number % 3]], (number, 0, 0)).save(tmp_path / path)
        known = "outlier" if not name else "answered" if number % 4 == 0 else "clustered"
        found.append(IdentityRow(path, name, known, number / 100, number % 2 or None, ""))
    return found


def pictures(page):
    for found in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page.read_text()):
        yield Image.open(io.BytesIO(base64.b64decode(found)))


def test_one_page_has_every_picture_in_its_shape_and_no_link_outside(rows, tmp_path):
    [page] = write_contact_sheets(rows, tmp_path, tmp_path / "names.html", NamingConfig(thumbnail=40), title="a & b")
    assert sorted(picture.size for picture in pictures(page)) == sorted(
        {"wide": (40, 10), "tall": (10, 40), "square": (40, 40)}[row.path.split()[1]] for row in rows
    )
    text = page.read_text()
    assert "<title>a &amp; b</title>" in text
    assert "Identity &lt;b&gt; · 2 images · camera 1" in text
    assert (
        text.index("Identity 1 ")
        < text.index("Identity 10 ")
        < text.index("Identity &lt;b&gt;")
        < text.index("Outliers")
    )
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text)
    first = re.findall(r"<small>(\d\d) ", text)[:7]
    assert first == ["04", "00", "06", "05", "03", "02", "01"]  # answered ones, then the likeliest


def test_many_images_go_to_pages_an_identity_is_whole_on_one(rows, tmp_path):
    pages = write_contact_sheets(rows, tmp_path, tmp_path / "my names.html", NamingConfig(page_images=6), title="t")
    assert [page.name for page in pages] == [f"my names{end}.html" for end in ("", "-2", "-3", "-4")]
    assert [sum(1 for _ in pictures(page)) for page in pages] == [7, 6, 6, 3]
    assert 'href="my%20names-3.html"' in pages[0].read_text()
    shown = [alt for page in pages for alt in re.findall(r"<small>(\d\d) ", page.read_text())]
    assert sorted(shown) == [f"{number:02d}" for number in range(22)]


def test_an_image_that_is_gone_is_named(rows, tmp_path):
    (tmp_path / rows[3].path).unlink()
    with pytest.raises(InputError, match=r'03 wide "&\.jpg cannot be read: No such file'):
        write_contact_sheets(rows, tmp_path, tmp_path / "names.html", NamingConfig(), title="t")
