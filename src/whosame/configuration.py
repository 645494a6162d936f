"""Every parameter of a run as one typed value: what ``parameters.yml`` and ``--params`` may say."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whosame.annotators.registry import HUMAN, NAMES, REACHING, AnnotatorConfig, make_annotator
from whosame.clustering import ClusteringConfig
from whosame.comparison.config import ComparisonConfig
from whosame.data.manifest import TrainSet, Truth
from whosame.data.pixels import PixelsConfig
from whosame.data.readers import FolderReader, OmniglotReader
from whosame.data.source import SourceConfig
from whosame.errors import InputError, ParameterError, unknown_name
from whosame.evaluation import EvaluationConfig
from whosame.features.extraction import ExtractionConfig
from whosame.features.network import NetworkConfig
from whosame.strategies import registry
from whosame.strategies.base import Strategy
from whosame.synthetic.config import SyntheticConfig
from whosame.training import TrainingConfig, WarmupConfig

DEVICES = ("auto", "cpu", "cuda")
# what the results do not depend on
NOT_RESULT_AFFECTING = ("round", "run", "device", "database", "images", "storage", "compare", "native")


@dataclass(frozen=True)
class StorageConfig:
    """What is kept of old rounds."""

    keep_every: int = 1  # rounds: every n-th keeps features, graph and checkpoint, the newest two always do; 1: all
    log_checkpoints: str = "every"  # every | last | never: which rounds' checkpoints MLflow gets a copy of

    def __post_init__(self) -> None:
        if self.keep_every < 1:
            raise ParameterError(f"storage.keep_every is {self.keep_every}, but takes 1 or more")
        if self.log_checkpoints not in ("every", "last", "never"):
            raise unknown_name("value of 'storage.log_checkpoints'", self.log_checkpoints, ("every", "last", "never"))


@dataclass(frozen=True)
class Configuration:
    """The parameters, by the names people type; each group's own class documents its values."""

    # parameters.yml: what people touch
    images: str | None = None
    layout: str = "synthetic"
    strategy: str = "dcps"
    annotator: str = "oracle"
    budget: int = 500
    rounds: int = 10
    seed: int = 0
    run: str = "demo"
    device: str = "auto"
    database: str = "sqlite:///data/answers.db"
    round: int | None = None
    # parameters_images.yml, parameters_synthetic.yml
    max_megapixels: float = 20.0
    duplicates: str = "error"
    folder: FolderReader = field(default_factory=FolderReader)
    omniglot: OmniglotReader = field(default_factory=OmniglotReader)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    pixels: PixelsConfig = field(default_factory=PixelsConfig)
    # one file a stage
    network: NetworkConfig = field(default_factory=NetworkConfig)
    extraction: ExtractionConfig = field(default_factory=ExtractionConfig)
    clustering: ClusteringConfig = field(default_factory=ClusteringConfig)
    strategies: dict[str, Any] = field(default_factory=dict)
    annotator_options: AnnotatorConfig = field(default_factory=AnnotatorConfig)
    warmup: WarmupConfig = field(default_factory=WarmupConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    native: dict[str, Any] = field(default_factory=dict)  # changes by strategy, merged before a run begins (native.py)
    compare: ComparisonConfig = field(default_factory=ComparisonConfig)

    def __post_init__(self) -> None:
        """Report everything that is out of range at once."""
        problems = [
            f"parameter '{name}' is {getattr(self, name)}, but takes {least} or more"
            for name, least in (("budget", 0), ("rounds", 1), ("seed", 0))
            if getattr(self, name) < least
        ]
        for check in (self._check_names, self.source, self.make_strategy):
            try:
                check()
            except ParameterError as error:
                problems.append(str(error))
        if problems:
            raise ParameterError("\n".join(problems))

    def _check_names(self) -> None:
        if self.device not in DEVICES:
            raise unknown_name("device", self.device, DEVICES)
        if self.annotator not in NAMES:
            raise unknown_name("annotator", self.annotator, NAMES)

    def source(self) -> SourceConfig:
        """Return where the images come from."""
        names = [given.name for given in dataclasses.fields(SourceConfig)]
        return SourceConfig(**{name: getattr(self, name) for name in names})

    def make_strategy(self) -> Strategy:
        """Return who chooses the questions."""
        return registry.make(self.strategy, self.strategies)

    def database_url(self, root: Path) -> str:
        """Return the label store's URL, a relative SQLite path taken from the project's folder."""
        prefix = "sqlite:///"
        path = self.database.removeprefix(prefix)
        if not self.database.startswith(prefix) or Path(path).is_absolute() or path in ("", ":memory:"):
            return self.database
        return f"{prefix}{root / path}"

    def result_parameters(self) -> dict[str, Any]:
        """Return what the results depend on, other strategies' groups not among it: what a run is continued with."""
        values = {name: value for name, value in dataclasses.asdict(self).items() if name not in NOT_RESULT_AFFECTING}
        passing = REACHING if self.people_answer else (*REACHING, "overlap")
        options = values["annotator_options"]
        own = registry.group_of(self.strategy)
        return values | {
            "annotator_options": {name: options[name] for name in options if name not in passing},
            "strategies": {name: values["strategies"][name] for name in values["strategies"] if name == own},
        }

    @property
    def people_answer(self) -> bool:
        """Whether people answer, not an oracle."""
        return self.annotator == HUMAN

    def check_against(self, train_set: TrainSet, truth: Truth) -> None:
        """Check what can only be known with the images at hand.

        Raises
        ------
        InputError
            There is no training image.
        ParameterError
            True identities are needed and not known, or more questions are budgeted than there are pairs.
        """
        count = len(train_set)
        if count == 0:
            raise InputError("there is no training image: look at the layout's rules for the split in docs/data.md")
        pairs = count * (count - 1) // 2
        if self.budget > pairs:
            raise ParameterError(f"budget={self.budget}, but {count} training images have only {pairs} pairs")
        strategy = self.make_strategy()
        if any(strategy.schedule(self.budget, self.rounds)) and not self.people_answer:
            make_annotator(self.annotator, self.annotator_options, identities=truth.identities, seed=self.seed)
        if not truth.known and strategy.uses_truth:
            raise ParameterError(f"strategy={self.strategy} trains on true identities, but these images have none")
