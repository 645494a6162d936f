"""Page of the pictures of a run: one self-contained file."""

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from whosame.atomic import writing
from whosame.pictures.picture import Picture


def write_pictures(pictures: Sequence[Picture], folder: Path, page: Path, *, title: str, note: str) -> list[Path]:
    """Write a PNG file a picture, and the page with all of them in it.

    Parameters
    ----------
    pictures : sequence of Picture
    folder : Path
        Of the PNG files; those of pictures that there are no more are removed.
    page : Path
    title, note : str
        Above the pictures.

    Returns
    -------
    list of Path
        The PNG files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for picture in pictures:
        file = folder / f"{picture.name}.png"
        if picture.png:
            with writing(file) as opened:
                opened.write(picture.png)
            files.append(file)
        else:
            file.unlink(missing_ok=True)
    environment = Environment(
        loader=PackageLoader("whosame.pictures", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    embedded = {each.name: f"data:image/png;base64,{base64.b64encode(each.png).decode()}" for each in pictures}
    content = environment.get_template("pictures.html.j2").render(
        title=title, note=note, pictures=pictures, embedded=embedded
    )
    with writing(page) as opened:
        opened.write(content.encode())
    return files
