"""Every parameter of a run as one typed value: what ``parameters.yml`` and ``--params`` may say."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import NonNegativeInt, PositiveInt, field_validator, model_validator

from whosame.annotators.registry import HUMAN, AnnotatorConfig, AnnotatorName, make_annotator
from whosame.audit.config import AuditConfig
from whosame.clustering import ClusteringConfig, resolve_distance
from whosame.data.manifest import TrainSet, Truth
from whosame.data.pixels import PixelsConfig
from whosame.data.source import SourceConfig
from whosame.distributed.choice import EngineName, make_engine
from whosame.distributed.engine import Engine
from whosame.errors import InputError, ParameterError
from whosame.evaluation import EvaluationConfig
from whosame.export.config import ExportConfig
from whosame.features.config import GIVEN, ExtractionConfig, NetworkConfig
from whosame.features.device import Precision
from whosame.known import IDENTITIES
from whosame.naming.config import NamingConfig
from whosame.parameters import Parameters, one_of, parameter, without_effect
from whosame.pictures.config import PicturesConfig
from whosame.runs import is_name
from whosame.strategies import registry
from whosame.strategies.base import Strategy
from whosame.strategies.budget import Schedule
from whosame.training import TrainingConfig, WarmupConfig

# What a run does not keep: it is named, or not its own.
OF_THE_COMMAND = {"run", "round", "env", "native", "compare", "audit"}


class StorageConfig(Parameters):
    """What is kept of old rounds."""

    keep_every: PositiveInt = parameter(1, unit="rounds")
    """Every n-th round keeps features, graph and checkpoint, the newest two always do; 1: all."""
    log_checkpoints: Literal["every", "last", "never"] = "every"
    """Which rounds' checkpoints MLflow gets a copy of."""
    url: str | None = parameter(None, takes="the URL of a folder, or null")
    """A folder in an object store, s3://…, that gets a copy of the run as each round ends; a run that is not on this
    machine is fetched from there first."""
    log_crops: Literal["local", "always", "never"] = "local"
    """Whether MLflow gets pictures in which images of the data set are seen; local: where its files are on this
    machine."""


class ComparisonConfig(Parameters):
    """Which runs are compared, and what they have in common."""

    name: str | None = parameter(None, takes="letters, digits, '.', '_' and '-', or null")
    """The comparison: its runs have it as a tag, its report is in data/08_reporting/NAME. null: every finished run on
    the newest run's images."""
    schedule: Schedule = parameter("early", source="own choice; DCPS: gaussian, section 3.7")
    """How every strategy spreads its budget over the rounds where only the questions are to differ."""

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str | None) -> str | None:
        if name is not None and not is_name(name):
            raise ValueError("takes letters, digits, '.', '_' and '-' only")
        return name


class LookConfig(Parameters):
    """How much of a folder kedro look looks at. All draws are by the seed."""

    files: PositiveInt = parameter(20000, unit="files")
    """Files whose headers are read: sizes, copies, damage; drawn where there are more."""
    sample: int = parameter(1000, ge=20, unit="images")
    """Images that features are computed of; drawn where there are more."""
    pairs: NonNegativeInt = parameter(40, unit="pairs")
    """Nearest pairs on the page."""
    thumbnail: int = parameter(112, ge=16, le=512, unit="pixels")
    """The longer side of the pictures on the page."""


class Configuration(SourceConfig):
    """The parameters of a run, by name and by group."""

    strategy: str = parameter("gain", takes=" | ".join([*registry.PRESETS, "a strategy of another package"]))
    """Who chooses the questions."""
    annotator: AnnotatorName = "auto"
    """Who answers: simulated annotators without and with errors, or people at the annotation page; auto: people if no
    training image has an identity, the oracle if all have."""
    catalogue: str | None = parameter(None, takes="the path of a CSV file, identities, or null")
    """Which individual some training images show, known from the start: a table of path and identity, or the identities
    that the layout reads. It is read as each round begins; a relative path begins at the project's folder."""
    budget: NonNegativeInt = parameter(500, unit="questions", source="own choice; DCPS: 3,000, section 4.3")
    """Of the whole run."""
    rounds: PositiveInt = parameter(10, unit="rounds", source="own choice; Cluster Contrast: 50 epochs, A.4 #11")
    """Of the whole run."""
    seed: NonNegativeInt = 0
    """The same seed gives the same questions and figures."""
    use_cameras: bool = True
    """Whether clusters, questions and training use the cameras of the training images; false: as if none were known.
    Queries and gallery keep theirs."""
    run: str = parameter("demo", results=False)
    """Name of the run: its results are in data/runs/NAME."""
    device: Literal["auto", "cpu", "cuda"] = parameter("auto", results=False)
    """Where the network runs; auto: a GPU where there is one."""
    precision: Precision = parameter("float32", source="papers")
    """What its backbone computes with. bfloat16 is faster on GPUs of 2020 and later, and changes figures a little."""
    processes: PositiveInt = parameter(1, unit="processes", results=False)
    """How many extract features and train together, on as many GPUs or cores; the results are those of one."""
    engine: EngineName = parameter("local", results=False)
    """Where they run: local, on this machine, or ray, on a cluster (docs/scale.md)."""
    address: str = parameter("auto", takes="HOST:PORT, ray://HOST:PORT or auto", results=False)
    """engine ray: the address of the cluster; auto: the one that runs on this machine."""
    database: str = parameter("sqlite:///data/answers.db", takes="an SQLAlchemy URL", results=False)
    """The label store; a relative path begins at the project's folder."""
    round: NonNegativeInt | None = parameter(None, takes="a whole number, 0 or more, or null", results=False)
    """The round to play; null: the first that is not complete."""
    env: str | None = parameter(None, takes="what --env names", results=False)
    """The environment in conf that was named by --env; null: none."""
    features: str | None = parameter(None, takes="the path of a file .npy or .parquet, or null", results=False)
    """Features of the images that were computed elsewhere: a head is trained on them instead of a network on pixels."""
    pixels: PixelsConfig = PixelsConfig()
    """Size and form of the pixels."""
    network: NetworkConfig = NetworkConfig()
    """The network."""
    extraction: ExtractionConfig = ExtractionConfig()
    """How features are extracted."""
    clustering: ClusteringConfig = ClusteringConfig()
    """How images are grouped at the start of a round."""
    strategies: registry.StrategiesConfig = registry.StrategiesConfig()
    """How each strategy chooses."""
    annotator_options: AnnotatorConfig = AnnotatorConfig()
    """How annotators answer."""
    warmup: WarmupConfig = WarmupConfig()
    """How random weights are warmed up."""
    training: TrainingConfig = TrainingConfig()
    """How the network is trained."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """How a round is evaluated."""
    naming: NamingConfig = parameter(NamingConfig(), results=False)
    """How images are given identities after the last training."""
    export: ExportConfig = parameter(ExportConfig(), results=False)
    """What is written of a run for use elsewhere."""
    pictures: PicturesConfig = parameter(PicturesConfig(), results=False)
    """What the pictures of a run show."""
    audit: AuditConfig = parameter(AuditConfig(), results=False)
    """How the names are audited."""
    storage: StorageConfig = parameter(StorageConfig(), results=False)
    """What is kept of old rounds."""
    look: LookConfig = parameter(LookConfig(), results=False)
    """How much of a folder kedro look looks at."""
    native: dict[str, Any] = parameter({}, results=False)
    """kedro compare --mode=native: what each strategy's paper trains with, as changes to the other parameters."""
    compare: ComparisonConfig = parameter(ComparisonConfig(), results=False)
    """What is compared."""

    @field_validator("strategy")
    @classmethod
    def _known(cls, strategy: str) -> str:
        return strategy if strategy in registry.PRESETS else one_of(strategy, registry.names())

    @model_validator(mode="after")
    def _strategy_can_be_made(self) -> Self:
        self.make_strategy()  # one of another package checks its own parameters
        return self

    @model_validator(mode="after")
    def _features_have_a_head(self) -> Self:
        given = self.network.architecture.startswith(GIVEN)
        if given != (self.features is not None):
            raise ValueError(
                "features=FILE and network.architecture=features/D go together: with features alone typed it is chosen"
            )
        return self

    def source(self) -> SourceConfig:
        """Return where the images come from."""
        return SourceConfig(**{name: getattr(self, name) for name in SourceConfig.model_fields})

    def make_strategy(self) -> Strategy:
        """Return who chooses the questions."""
        return registry.make(self.strategy, self.strategies)

    def make_engine(self) -> Engine:
        """Return what extracts features and trains."""
        return make_engine(self.engine, self.processes, self.device, self.address)

    def database_url(self, root: Path) -> str:
        """Return the label store's URL, a relative SQLite path taken from the project's folder."""
        prefix = "sqlite:///"
        path = self.database.removeprefix(prefix)
        if not self.database.startswith(prefix) or Path(path).is_absolute() or path in ("", ":memory:"):
            return self.database
        return f"{prefix}{root / path}"

    def result_parameters(self) -> dict[str, Any]:
        """Return what the results depend on, other strategies' groups not among it: what stays as a run started."""
        values = self.model_dump(exclude=without_effect(type(self)))
        if not self.people_answer:
            del values["annotator_options"]["overlap"]
        own = registry.group_of(self.strategy)
        return values | {"strategies": {name: group for name, group in values["strategies"].items() if name == own}}

    def other_parameters(self) -> dict[str, Any]:
        """Return what else a run is continued with, though no result depends on it: device, label store, page, …."""
        return self.model_dump(include=without_effect(type(self)), exclude=OF_THE_COMMAND)

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
            True identities or cameras are needed and not known, or more questions are budgeted than there are pairs.
        """
        count = len(train_set)
        if count == 0:
            raise InputError("there is no training image: look at the layout's rules for the split in docs/data.md")
        resolve_distance(self.clustering.distance, train_set.cameras)
        pairs = count * (count - 1) // 2
        if self.budget > pairs:
            raise ParameterError(f"budget={self.budget}, but {count} training images have only {pairs} pairs")
        strategy = self.make_strategy()
        if any(strategy.schedule(self.budget, self.rounds)) and not self.people_answer:
            make_annotator(self.annotator, self.annotator_options, identities=truth.identities, seed=self.seed)
        if self.catalogue == IDENTITIES and truth.known and not self.people_answer:
            raise ParameterError(
                "catalogue=identities, and every training image has an identity: nothing is left to ask. Leave it out, "
                "or give a table of some of them (catalogue=FILE.csv)"
            )
        if not truth.known and strategy.uses_truth:
            raise ParameterError(f"strategy={self.strategy} trains on true identities, but these images have none")
