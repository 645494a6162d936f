"""Guide of a run from its parameters: the question, the instruction, and example pairs from a file of answers."""

from pathlib import Path

from whosame.annotation.exchange.file_format import parse_file
from whosame.annotation.exchange.match_images import match_images
from whosame.annotation.exchange.run_images import RunImages
from whosame.annotation.queue.guide import QUESTION, Example, Guide
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotators.registry import AnnotatorConfig
from whosame.data.manifest import Manifest
from whosame.errors import InputError, format_problems

MAX_EXAMPLES = 12
PEOPLE = "Same person?"
QUESTIONS = {"folder": QUESTION, "omniglot": "Same character?"}  # by layout; the others are of people


def make_guide(options: AnnotatorConfig, layout: str, manifest: Manifest, project: Path) -> Guide:
    """Return what the people who answer are told.

    Parameters
    ----------
    options : AnnotatorConfig
    layout : str
        It has a question of its own, which ``options.question`` replaces.
    manifest : Manifest
        Example pairs are training images of it.
    project : Path
        A relative ``options.examples`` begins here.

    Raises
    ------
    InputError
        The file of examples cannot be read, or has problems: all of them in one message.
    """
    question = options.question or QUESTIONS.get(layout, PEOPLE)
    examples = _read_examples(project / options.examples, manifest) if options.examples else ()
    return Guide(question.strip(), (options.instruction or "").strip(), examples)


def _read_examples(file: Path, manifest: Manifest) -> tuple[Example, ...]:
    """Read example pairs from a file of answers in any format of ``kedro answers``."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"annotator_options.examples={file} cannot be read: {error.strerror}") from error
    parsed = parse_file(content, annotator="example")
    problems = list(parsed.problems)
    ids = manifest.image_ids("train")
    rows = manifest.table.iloc[ids]
    known = zip(ids.tolist(), map(ImageRef, rows["path"], rows["digest"]), strict=True)
    matched, _ = match_images(parsed.rows, RunImages(dict(known)), problems, known_only=False)
    if len(parsed.rows) > MAX_EXAMPLES:
        problems.append(f"{len(parsed.rows)} pairs: people read at most {MAX_EXAMPLES}")
    if problems:
        title = f"annotator_options.examples={file} has {len(problems)} problem{'s' if len(problems) > 1 else ''}"
        advice = "Its columns are path_a, path_b and verdict, with paths below the folder of the images."
        raise InputError(format_problems(title, problems, advice))
    return tuple(Example(one.image_a, one.image_b, one.row.verdict) for one in matched)
