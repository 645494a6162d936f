"""``kedro search``: find the individuals of a run's images that queries show."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from whosame.app import paths
from whosame.app.commands.options import Command, friendly_errors
from whosame.errors import InputError, ParameterError, format_problems
from whosame.runs import find_run

if TYPE_CHECKING:
    from whosame.search.ranking import Ranking
    from whosame.search.searcher import Searcher

SHOWN = 5  # hits of a query in the terminal
FEATURES = ".npy"


@click.command(cls=Command)
@click.option("--run", "name", required=True, metavar="RUN", help="The run whose images are searched.")
@click.argument("queries", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="QUERY.jpg|FOLDER …")
@click.option("--top", type=click.IntRange(1, 1000), default=20, show_default=True, help="Results of each query.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png|FILE.csv",
    help="A picture with a row a query, or a table. Without it the best are printed.",
)
@click.option("--fresh", is_flag=True, help="Make the gallery again, with the answers and names of now.")
@friendly_errors
def search(name: str, queries: tuple[Path, ...], top: int, out: Path | None, fresh: bool) -> None:
    """Rank the images of RUN, train and test, by their similarity to each QUERY.

    An individual that people have confirmed appears once, by its best image, with the number of its images. The network
    is that of the last complete round. The gallery is made when it is first needed after a round, or by an export.
    """
    from whosame.app.open_gallery import open_searcher

    if out is not None and out.suffix.lower() not in (".png", ".csv"):
        raise ParameterError(f"--out={out} is to be a picture or a table: give a name that ends with .png or .csv")
    run = find_run(paths.runs_folder(), name)
    files = query_files(queries)
    searcher = open_searcher(run, fresh=fresh)
    given = [file for file in files if file.suffix == FEATURES]
    rankings = _search_features(searcher, files, top) if given else searcher.search_files(files, top)
    click.echo(f"{len(searcher.gallery):,} images of run {name}, round {searcher.gallery.round}", err=True)
    click.echo(searcher.gallery.calibration.text(), err=True)
    if out is None:
        click.echo("\n".join(_text(ranking) for ranking in rankings))
        return
    from whosame.atomic import writing
    from whosame.search.table import rankings_csv

    if out.suffix.lower() == ".csv":
        content = rankings_csv(rankings)
    else:
        from whosame.reporting.search_strip import search_strip

        if given:
            raise ParameterError("features have no pictures: take --out=FILE.csv")
        content = search_strip(rankings, Path(searcher.gallery.root))
    with writing(out) as file:
        file.write(content)
    far = sum(ranking.nobody_near for ranking in rankings)
    click.echo(f"{out}: {len(rankings):,} queries, {far:,} of them with nobody near")


def query_files(queries: tuple[Path, ...]) -> list[Path]:
    """Return the files that are meant: files as they are, folders by all images below them.

    Raises
    ------
    InputError
        Names of nothing, or folders without an image; all of them are listed.
    """
    from whosame.data.readers.base import scan

    files: list[Path] = []
    problems = []
    for query in queries:
        if query.is_dir():
            found = [query / image.path for image in scan(query)]
            files += found
            problems += [] if found else [f"{query}: a folder without images"]
        elif query.is_file():
            files.append(query)
        else:
            problems.append(f"{query}: there is no such file or folder")
    if problems:
        raise InputError(format_problems("queries cannot be found", problems, "Give images, or folders of images."))
    return files


def _search_features(searcher: "Searcher", files: list[Path], top: int) -> list["Ranking"]:
    import numpy as np

    rankings = []
    for file in files:
        try:
            given = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{file} cannot be read: {error}") from error
        names = [f"{file} row {row}" for row in range(len(given))]
        rankings += searcher.search_features(given, names, top)
    return rankings


def _text(ranking: "Ranking") -> str:
    lines = [f"{ranking.query}{'  nobody near' if ranking.nobody_near else ''}"]
    for hit in ranking.hits[:SHOWN]:
        camera = "" if hit.camera is None else f"camera {hit.camera}"
        support = f"{hit.images} images confirmed" if hit.images > 1 else hit.known
        lines.append(f"  {hit.score:5.2f}  {hit.identity or 'no name':<12}  {support:<20}  {camera:<10}  {hit.path}")
    return "\n".join(lines)
