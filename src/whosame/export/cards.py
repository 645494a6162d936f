"""Cards of a model and of its data, in Markdown: what the run knows of itself, intended use, and limits.

After Mitchell et al., *Model cards for model reporting*, FAT* 2019, and Gebru et al., *Datasheets for datasets*,
CACM 2021, as far as a run can answer their questions.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from whosame import artefacts
from whosame.data.manifest import SPLITS, Manifest
from whosame.identities import UNKNOWN
from whosame.memory import LabelMemory
from whosame.naming.identify import KNOWN
from whosame.naming.summary import NamingSummary
from whosame.runs import Run
from whosame.search.gallery import Gallery

AUDIT = "audit.json"  # in the folder of the run: how right the names are, where people were asked (kedro audit)
RETRIEVAL = {"mAP": "mAP", "rank1": "rank-1", "rank5": "rank-5", "mINP": "mINP"}


@dataclass(frozen=True)
class CardFacts:
    """What the cards say.

    Attributes
    ----------
    run : str
    about : mapping
        ``run.json``, or that of the origin of a fork that has not started.
    rounds : int
        Complete rounds.
    metrics : mapping
        Of the last complete round.
    images : mapping of str to int
        Images by split.
    cameras : int
        Known ones.
    identities_known : bool
        Whether the true identity of every training image is known.
    verdicts : mapping of str to int
        Answers by verdict.
    conflicts : int
        Answers that contradict earlier ones.
    known : mapping of str to int
        Training images by how their identity is known.
    names : int
        Identities that were found.
    scores : mapping of str to float
        Of the names against the known identities; empty where none are known.
    threshold : str
        Of a search, in words.
    form : str
        What the network takes, in words.
    dimension : int
    audit : mapping
        ``audit.json``; empty where the names were not audited.
    """

    run: str
    about: Mapping[str, Any]
    rounds: int
    metrics: Mapping[str, float]
    images: Mapping[str, int]
    cameras: int
    identities_known: bool
    verdicts: Mapping[str, int]
    conflicts: int
    known: Mapping[str, int]
    names: int
    scores: Mapping[str, float]
    threshold: str
    form: str
    dimension: int
    audit: Mapping[str, Any]

    @classmethod
    def of(
        cls, run: Run, manifest: Manifest, gallery: Gallery, names: NamingSummary, memory: LabelMemory
    ) -> "CardFacts":
        """Collect them from a run that has completed a round."""
        counts = Counter(verdict for _, _, verdict in memory.log)
        known = Counter(row.known for row in names.rows)
        size = gallery.form
        shape = f"letterboxed to {size.height} × {size.width}" if size.letterbox else f"{size.height} × {size.width}"
        cameras = manifest.cameras()
        return cls(
            run=run.name,
            about=run.about() or run.fork(),
            rounds=run.completed(),
            metrics=run.metrics()[-1],
            images={split: len(manifest.image_ids(split)) for split in SPLITS},
            cameras=len({*cameras[cameras >= 0].tolist()}),
            identities_known=bool((manifest.identities(manifest.image_ids("train")) != UNKNOWN).all()),
            verdicts={verdict: counts[verdict] for verdict in ("same", "different", "unsure")},
            conflicts=len(memory.conflicts),
            known={name: known[name] for name in KNOWN if known[name]},
            names=len({row.identity for row in names.rows if row.identity}),
            scores=names.scores,
            threshold=gallery.calibration.text(),
            form=f"features of {size.features} numbers" if size.features else f"RGB images, {shape} pixels",
            dimension=gallery.vectors.shape[1],
            audit=artefacts.read_if_whole(run.folder / AUDIT) or {},
        )

    def retrieval(self) -> dict[str, float]:
        """Return the figures of retrieval that the last round has, by their usual names."""
        named = {f"retrieval/{key}": text for key, text in RETRIEVAL.items()}
        return {text: self.metrics[key] for key, text in named.items() if key in self.metrics}

    def audited(self) -> dict[str, str]:
        """Return the estimates of the audit with their intervals, and how many questions they are from, in words."""
        found = {
            name.replace("_", " "): f"{each['value']:.4g} ({each['low']:.4g} to {each['high']:.4g})"
            for name, each in (self.audit.get("estimates") or {}).items()
            if each
        }
        about = {name: f"{self.audit[name]:g}" for name in ("asked", "rounds", "confidence") if name in self.audit}
        return {**found, **about} if found else {}


def model_card(facts: CardFacts) -> str:
    """Return the model's card."""
    return _render("model_card.md.j2", facts)


def data_card(facts: CardFacts) -> str:
    """Return the card of the images and the answers."""
    return _render("data_card.md.j2", facts)


def _render(name: str, facts: CardFacts) -> str:
    environment = Environment(
        loader=PackageLoader("whosame.export", "."),
        autoescape=False,  # noqa: S701 - Markdown, made of the run's own figures and names
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(facts=facts, configuration=facts.about["configuration"])
