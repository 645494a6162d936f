"""Contact sheets: self-contained pages with the pictures of every identity, the doubtful ones last."""

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from whosame.atomic import writing
from whosame.data.decoding import UnusableImageError, in_threads, opened, upright
from whosame.errors import InputError
from whosame.naming.config import NamingConfig
from whosame.naming.identify import GIVEN, KNOWN
from whosame.naming.identity_table import IdentityRow
from whosame.operating_system import usable_cores
from whosame.progress import track

IN_WORK = 64  # images in work at once
QUALITY = 75  # of the pictures as JPEG: 3 kB each at 96 pixels


class _Sheet(NamedTuple):
    """An identity and its images, or the outliers (with an empty name)."""

    name: str
    rows: Sequence[IdentityRow]

    @property
    def cameras(self) -> list[int]:
        """The known cameras, ascending."""
        return sorted({row.camera for row in self.rows if row.camera is not None})


def write_contact_sheets(
    rows: Sequence[IdentityRow], images: Path, out: Path, config: NamingConfig, *, title: str
) -> list[Path]:
    """Write the pages, each with its pictures in it; nothing on them is loaded from elsewhere.

    Parameters
    ----------
    rows : sequence of IdentityRow
    images : Path
        The folder that their paths are relative to.
    out : Path
        The first page; ``names.html`` is followed by ``names-2.html``, ``names-3.html``, …. What is there is replaced.
    config : NamingConfig
    title : str

    Returns
    -------
    list of Path
        The pages. The largest identities are on the first one, the outliers on the last one.

    Raises
    ------
    InputError
        An image is missing or can no longer be decoded.
    """
    pages = _pages(_sheets(rows), config.page_images)
    files = [out if number == 1 else out.with_stem(f"{out.stem}-{number}") for number in range(1, len(pages) + 1)]
    contents = [(file.name, page[0].name, page[-1].name) for file, page in zip(files, pages, strict=True)]
    environment = Environment(
        loader=PackageLoader("whosame.naming", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("contact_sheets.html.j2")
    shown = [row for page in pages for sheet in page for row in sheet.rows]
    with ThreadPoolExecutor(usable_cores()) as pool:
        work = partial(_picture, images=images, side=config.thumbnail)
        pictures = track(in_threads(work, shown, pool, IN_WORK), "contact sheets", len(shown))
        for file, page in zip(files, pages, strict=True):
            stream = template.stream(
                next=next,
                title=title,
                sheets=page,
                pictures=pictures,
                pages=contents,
                own=file.name,
                counts={known: sum(row.known == known for row in rows) for known in KNOWN},
                images=len(rows),
                identities=len({row.identity for row in rows if row.identity}),
            )
            stream.enable_buffering(64)
            with writing(file) as opened_file:
                stream.dump(opened_file, encoding="utf-8")
    return files


def _sheets(rows: Sequence[IdentityRow]) -> list[_Sheet]:
    """Return the identities, the largest first, and the outliers; in each the answered images, then the likeliest."""
    by_name = groupby(sorted(rows, key=lambda row: row.identity), key=lambda row: row.identity)
    sheets = [
        _Sheet(name, sorted(its, key=lambda row: (row.known not in (*GIVEN, "answered"), -row.p, row.path)))
        for name, its in by_name
    ]
    return sorted(sheets, key=lambda sheet: (not sheet.name, -len(sheet.rows), len(sheet.name), sheet.name))


def _pages(sheets: Sequence[_Sheet], limit: int) -> list[list[_Sheet]]:
    """Divide sheets into pages of at most so many images; outliers go over several pages, an identity is on one."""
    divided = [
        _Sheet(sheet.name, sheet.rows[begin : begin + limit] if not sheet.name else sheet.rows)
        for sheet in sheets
        for begin in (range(0, len(sheet.rows), limit) if not sheet.name else (0,))
    ]
    pages: list[list[_Sheet]] = [[]]
    size = 0
    for sheet in divided:
        if size and size + len(sheet.rows) > limit:
            pages.append([])
            size = 0
        pages[-1].append(sheet)
        size += len(sheet.rows)
    return pages


def thumbnail(path: Path, side: int) -> str:
    """Return a small picture of an image file as a data URI.

    Parameters
    ----------
    path : Path
    side : int
        Its longer side, in pixels.

    Raises
    ------
    InputError
        The file is missing or can no longer be decoded.
    """
    try:
        with opened(path.read_bytes()) as image:
            small = upright(image, at_least=(2 * side, 2 * side)).pixels
            small.thumbnail((side, side))
    except UnusableImageError as error:
        raise InputError(f"{path} has changed since it was indexed: {error}. Type the command again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Type the command again.") from error
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _picture(row: IdentityRow, *, images: Path, side: int) -> str:
    """Return the small picture of an image."""
    return thumbnail(images / row.path, side)
