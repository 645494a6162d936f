"""``kedro answers``: answers to files and from files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.framework.cli.utils import env_option

from whosame.app import paths
from whosame.app.commands.answered_run import open_folder, open_run, pair_of
from whosame.app.commands.label_store import label_store
from whosame.app.commands.options import friendly_errors, parameters_option
from whosame.errors import ParameterError

if TYPE_CHECKING:
    from whosame.annotation.exchange.undo_answers import Chosen
    from whosame.annotation.store.store import LabelStore

run_option = click.option("--run", "name", metavar="NAME", help="The run; by default the one that was at work last.")


@click.group()
def answers() -> None:
    """Answers as files: CSV, JSON Lines, Label Studio."""


@answers.command()
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "label-studio"]), required=True)
@run_option
@click.option(
    "--image-root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="For Label Studio: its LOCAL_FILES_DOCUMENT_ROOT. By default the folder that holds the folder of the images.",
)
@click.option("--url-prefix", metavar="URL", help="For Label Studio: what the images' addresses begin with.")
@click.option(
    "--no-completed-by",
    is_flag=True,
    help="For a Label Studio that does not know the people who answered and so refuses the file; their names are kept.",
)
@click.option(
    "--audit", "audits", is_flag=True, help="The answers of the run's audits instead; imports keep them apart."
)
@click.argument("out", type=click.Path(path_type=Path))
@env_option
@parameters_option
@friendly_errors
def export(
    form: Any,
    name: str | None,
    image_root: Path | None,
    url_prefix: str | None,
    no_completed_by: bool,
    audits: bool,
    out: Path,
    env: str | None,
    params: dict[str, Any],
) -> None:
    """Write every answer of a run to OUT, those of its audits left out; for Label Studio its open questions too."""
    from whosame.annotation.exchange.export_answers import LOCAL_FILES, export_run

    with open_run(env, params, name) as (store, run, images):
        done = export_run(
            store,
            run,
            images,
            out,
            form=form,
            image_root=image_root,
            url_prefix=LOCAL_FILES if url_prefix is None else url_prefix,
            completed_by=not no_completed_by,
            audits=audits,
        )
    waiting = f" and {done.waiting} open questions" if form == "label-studio" else ""
    click.echo(f"run {run.name}: {done.answers} answers{waiting} in {', '.join(map(str, done.files))}")


@answers.command("import")
@run_option
@click.option("--annotator", metavar="NAME", help="Who gave the answers of which the file does not say it.")
@click.option("--known-only", is_flag=True, help="Leave out answers about images that the run does not have.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@env_option
@parameters_option
@friendly_errors
def import_(
    name: str | None,
    annotator: str | None,
    known_only: bool,
    file: Path,
    env: str | None,
    params: dict[str, Any],
) -> None:
    """Take the answers of FILE into the label store: all of them or none, each once.

    Before the first round of a run, name the folder of the images that the answers are about (--params=images=PATH).

    FILE may also be a table of names as an export of a run writes it (wildlife.csv, fiftyone.csv, names.csv), changed
    elsewhere: what it says otherwise than the run's names becomes answers of --annotator.
    """
    from whosame.annotation.exchange.import_answers import import_file
    from whosame.app.import_names import has_names

    if has_names(file):
        _import_names(name, annotator, file, env, params)
        return
    of_folder = name is None and "images" in params
    with open_folder(env, params) if of_folder else open_run(env, params, name) as (store, run, images):
        done = import_file(store, file, run, images, annotator=annotator, known_only=known_only)
    counts = {
        "answers to open questions": done.counted,
        "other new answers, known from the next round on that people answer about their images": done.kept,
        "known already": done.known,
        "undone since": done.undone,
        "left out, about other images": done.unknown if known_only else 0,
        "skipped questions, no answers": done.skipped,
    }
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    click.echo(
        (f"run {run.name}: " if run.name else f"{images.root}: ") + ("; ".join(parts) or "the file holds no answer")
    )


@answers.command()
@run_option
@click.option(
    "--imported",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Those that came with the import of FILE.",
)
@click.option("--annotator", metavar="NAME", help="Those of one person.")
@click.option(
    "--pair", nargs=2, metavar="IMAGE IMAGE", help="Those about two images, by their paths in the run's folder."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@env_option
@parameters_option
@friendly_errors
def undo(
    name: str | None,
    imported: Path | None,
    annotator: str | None,
    pair: tuple[str, str] | None,
    yes: bool,
    env: str | None,
    params: dict[str, Any],
) -> None:
    """Undo answers of people to a run, or an import; of ended rounds too.

    They stay in the label store. The next round and the next names begin without them; what a network has learnt from
    them stays in it, unless the run is forked from a round before (kedro rounds --fork=RUN:ROUND).
    """
    from whosame.annotation.exchange.undo_answers import Chosen, import_uid_of

    if imported is None and annotator is None and pair is None:
        raise ParameterError("say which answers are undone: --imported=FILE, --annotator=NAME or --pair A.jpg B.jpg")
    uid = None if imported is None else import_uid_of(imported)
    if uid is not None and name is None and pair is None:
        with label_store(env, params, made_by="the first answer") as store:
            _undo(store, Chosen(None, uid, annotator), f"import of {imported}", yes=yes)
        return
    with open_run(env, params, name) as (store, run, images):
        ids = None if pair is None else pair_of(images, pair)
        of_run = None if uid is not None else run.uid  # what an import keeps for later is in no run
        _undo(store, Chosen(of_run, uid, annotator, ids), f"run {run.name}", yes=yes)


def _undo(store: "LabelStore", chosen: "Chosen", of: str, *, yes: bool) -> None:
    from whosame.annotation.exchange.undo_answers import count_chosen, undo_answers

    count = count_chosen(store, chosen)
    if count and not yes:
        click.confirm(f"Undo {count:,} answers ({of})? They stay in the label store and count no more.", abort=True)
    undone = undo_answers(store, chosen)
    after = " The next round and kedro identities begin without them." if undone else ""
    click.echo(f"{of}: {undone:,} answers undone.{after}")


def _import_names(name: str | None, annotator: str | None, file: Path, env: str | None, params: dict[str, Any]) -> None:
    from whosame.app.import_names import import_names
    from whosame.runs import find_run

    if name is None:
        raise ParameterError(f"{file} is a table of names: say of which run (--run=NAME)")
    run = find_run(paths.runs_folder(), name)
    with label_store(env, params, run=name) as store:
        done = import_names(store, run, file, annotator)
    click.echo(
        f"run {name}: {done.images:,} images named in {file}; {done.answers:,} new answers, {done.named:,} identities "
        f"renamed. kedro identities {name} writes the names"
    )
