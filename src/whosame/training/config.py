"""Parameters of training: batch, loss, optimiser, schedule, augmentation, warm-up."""

from typing import Literal, Self

from pydantic import (
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from whosame.parameters import Listed, Parameters, Share, parameter

Obeyed = Literal["all", "same", "none"]
BY_ANSWERS = ("triplet", "purification", "hybrid-memory-ranking")  # losses that use answers in ways of their own


class AugmentConfig(Parameters):
    """How strongly training images are varied. 0 switches a variation off. Papers: Cluster Contrast's code."""

    flip: Share = parameter(0.5, source="papers: 0.5")
    """Probability of left-right; 0 where mirror images are other classes (characters)."""
    pad: NonNegativeInt = parameter(4, unit="pixels", source="own choice; papers: 10 at 256×128")
    """Added on each side before a random crop back to size."""
    pad_colour: Literal["mean", "black"] = parameter("mean", source="own choice; papers: black")
    """Of what is added: ImageNet's mean, or black."""
    erase: Share = parameter(0.25, source="own choice; papers: 0.5 (Zhong et al., AAAI 2020)")
    """Probability that a rectangle is filled with a colour."""
    erase_area: Listed[float] = parameter((0.02, 0.4), takes="two shares, 0 < low <= high < 1", source="papers")
    """Smallest and largest share of the image that is filled."""
    erase_aspect: float = parameter(0.3, gt=0, le=1, source="papers: 0.3")
    """Height over width of the rectangle lies between this and its inverse."""
    erase_shape: Literal["clipped", "redrawn"] = parameter("clipped", source="own choice; papers: redrawn")
    """clipped: log-uniform aspect, clipped to the image, which gives bands too. redrawn: uniform aspect, drawn again
    until it is smaller than the image."""
    erase_colour: Literal["mean", "light"] = parameter("mean", source="own choice; papers' code: light")
    """ImageNet's mean; or a light grey, which that mean is where it is taken for a normalised value."""
    colour: NonNegativeFloat = parameter(0.15, source="own choice; papers: 0")
    """Standard deviation of the logarithm of gain, contrast and saturation, each drawn for an image."""
    channel_gain: NonNegativeFloat = parameter(0.105, source="own choice; papers: 0")
    """Standard deviation of the logarithm of a gain of each colour channel (white balance)."""
    rotation: NonNegativeFloat = parameter(0.0, unit="radians", source="papers: 0")
    """Standard deviation of the angle."""
    log_scale: NonNegativeFloat = parameter(0.0, source="papers: 0")
    """Standard deviation of the logarithm of height and of width."""
    shear: NonNegativeFloat = parameter(0.0, source="papers: 0")
    """Standard deviation of the sideways shift per unit of height."""
    shift: NonNegativeFloat = parameter(0.0, source="papers: 0", unit="half image sizes")
    """Standard deviation of the shift."""

    @field_validator("erase_area")
    @classmethod
    def _two_shares(cls, area: tuple[float, ...]) -> tuple[float, ...]:
        if len(area) != 2 or not 0 < area[0] <= area[1] < 1:
            raise ValueError("takes two shares, 0 < low <= high < 1")
        return area


class ProxiesConfig(Parameters):
    """Loss camera-proxies: weights of its terms and what they compare. CAP: AAAI 2021; O2CAP: arXiv 2201.05820."""

    within: NonNegativeFloat = parameter(1.0, source="CAP: 1; O2CAP's code: 0")
    """Weight of the term within cameras: an image's proxy against those of other clusters in its camera."""
    offline: NonNegativeFloat = parameter(1.0, source="O2CAP's code: 1; CAP's: 0.5")
    """Weight of the offline term: all proxies of the cluster against the most similar others."""
    online: NonNegativeFloat = parameter(1.0, source="O2CAP's code: 1; CAP: 0")
    """Weight of the online term: the nearest proxies of other cameras now, whatever their clusters."""
    start: NonNegativeInt = parameter(0, unit="rounds", source="O2CAP's code: 0; CAP's: 5 of 50")
    """First round, from 0, of the offline and the online term."""
    negatives: PositiveInt = parameter(50, unit="proxies", source="CAP, O2CAP: 50")
    """Most similar proxies that the offline and the online term push away."""
    neighbours: PositiveInt = parameter(3, unit="proxies", source="O2CAP's code: 3")
    """Positives of the online term, at most one a camera."""
    balance: Share = parameter(0.15, source="O2CAP's code: 0.15")
    """Online term: share of the image's own similarity to a proxy; the rest is that of its proxy."""
    temperature: PositiveFloat = parameter(0.07, source="CAP, O2CAP: 0.07")
    """τ of all terms."""
    momentum: Share = parameter(0.2, source="CAP, O2CAP: 0.2")
    """Share of the old vector that an update of a proxy keeps."""
    batches: Literal["proxies", "clusters"] = parameter("proxies", source="CAP, O2CAP's code: proxies")
    """What training.clusters_per_batch counts: proxies, or clusters whose images come from several cameras."""

    @model_validator(mode="after")
    def _some_term(self) -> Self:
        if not self.within and not (self.offline or self.online):
            raise ValueError("of within, offline and online at least one has a weight above 0")
        if not self.within and self.start:
            raise ValueError("before the round 'start' there is the term within cameras only: set its weight above 0")
        return self


class TrainingConfig(Parameters):
    """How the network is trained in a round. Defaults: the demo's. Papers: Cluster Contrast's code, which DCPS uses."""

    loss: Literal[
        "cluster-nce", "camera-proxies", "hybrid-memory", "hybrid-memory-ranking", "triplet", "purification"
    ] = parameter("cluster-nce", source="papers")
    """cluster-nce, camera-proxies (CAP's and O2CAP's), hybrid-memory (SpCL's), hybrid-memory-ranking (SPAL's: answered
    images are ranked too), triplet (DRAL's, on answered images) or purification (MASS-like)."""
    outliers: Literal["drop", "classes"] = parameter("drop", source="papers; SpCL: classes")
    """drop: not trained on. classes: each a class of its own. Triplet has no use for it."""
    obeyed: Obeyed = parameter("all", source="DCPS, section 3.4.3")
    """Answers that the labels trained on obey. all: clusters are joined at "same" and divided at "different". same:
    joined, and never divided. none: as they were found. Triplet has no use for it."""
    answer_weight: NonNegativeFloat = parameter(0.0)
    """cluster-nce, camera-proxies, hybrid-memory: weight of the answers in the loss itself; 0: they act through the
    labels alone."""
    iterations: PositiveInt = parameter(
        50, unit="batches", source="own choice; papers: 200 (Market-1501, DukeMTMC), 400 (MSMT17)"
    )
    """Batches of a round."""
    clusters_per_batch: int = parameter(16, ge=2, unit="clusters", source="papers: 16")
    """P of a batch of P clusters with K images each."""
    images_per_cluster: int = parameter(4, ge=2, unit="images", source="own choice; papers: 16")
    """K of a batch of P clusters with K images each."""
    norm_chunk: int = parameter(64, ge=2, unit="images", validate_default=True, source="papers: 64, a GPU's share")
    """Images that BatchNorm normalises together, a multiple of K. On one GPU the whole batch of 256 together costs
    20 mAP on Market-1501."""
    temperature: PositiveFloat = parameter(0.05, source="papers: 0.05")
    """τ of every loss but triplet and camera-proxies."""
    memory_momentum: Share = parameter(0.1, source="papers: 0.1; SpCL: 0.2")
    """Share of the old vector that an update of the memory bank keeps; camera-proxies has its own."""
    use_hard: bool = parameter(False, source="Cluster Contrast, section 3.3")
    """cluster-nce, purification: update each cluster once a batch, by its least similar image."""
    margin: NonNegativeFloat = parameter(0.3, source="DRAL; SPAL: 0.5")
    """triplet, purification, hybrid-memory-ranking: by how much what differs is to be farther; a distance for triplet,
    a cosine for the others."""
    ranking_weight: NonNegativeFloat = parameter(0.5, source="own choice; SPAL: 2")
    """purification, hybrid-memory-ranking: weight of the ranking of answered images."""
    proxies: ProxiesConfig = ProxiesConfig()
    """Loss camera-proxies."""
    learning_rate: PositiveFloat = parameter(2e-3, source="own choice; papers: 3.5e-4, from ImageNet's weights")
    """Of Adam, at the start."""
    weight_decay: NonNegativeFloat = parameter(5e-4, source="papers: 5e-4")
    """L2, as Adam of torch has it."""
    schedule: Literal["cosine", "step", "constant"] = parameter("cosine", source="own choice; papers: step")
    """Of the learning rate. cosine: to 0 at the end of the last round."""
    step_rounds: PositiveInt = parameter(20, unit="rounds", source="papers: 20")
    """Schedule step: from one step to the next."""
    step_factor: PositiveFloat = parameter(0.1, source="papers: 0.1")
    """Schedule step: what a step multiplies the learning rate by."""
    augment: AugmentConfig = AugmentConfig()
    """How training images are varied."""
    compile: bool = False
    """Whether torch.compile makes kernels of the network first, which takes a minute or more: for hours of training on
    a GPU. Figures differ in their last digits."""
    cached_versions: NonNegativeInt = parameter(4, unit="versions")
    """With network.frozen_stages: of how many versions of each training image, itself among them, the map after these
    stages is kept on the disk and trained on; 0: none is kept, and images are varied anew at every use."""

    def of_round(self, round: int) -> "TrainingConfig":  # noqa: A002
        """Return the parameters in force in a round, from 0: before ``proxies.start`` the term within cameras alone."""
        if round >= self.proxies.start:
            return self
        return self.replace(proxies=self.proxies.replace(offline=0.0, online=0.0))

    @property
    def uses_answers(self) -> bool:
        """Whether the loss looks at answers, besides the labels."""
        return self.loss in BY_ANSWERS or self.answer_weight > 0

    @model_validator(mode="after")
    def _answers_once(self) -> Self:
        if self.loss in BY_ANSWERS and self.answer_weight:
            raise ValueError(
                f"training.loss {self.loss} uses answers in a way of its own: leave training.answer_weight at 0, "
                "or take cluster-nce, camera-proxies or hybrid-memory"
            )
        return self

    @field_validator("norm_chunk")
    @classmethod
    def _whole_clusters(cls, chunk: int, info: ValidationInfo) -> int:
        images = info.data.get("images_per_cluster", 1)
        if chunk % images:
            raise ValueError(
                f"takes a multiple of training.images_per_cluster ({images}), so that the images of a cluster are "
                "normalised together"
            )
        return chunk


class WarmupConfig(Parameters):
    """How random weights are warmed up: NT-Xent (SimCLR) on the training images before the first round, kept.

    Without it the clusters of a fresh network are cameras, not people.
    """

    epochs: PositiveInt = parameter(15, unit="epochs")
    """Passes over the training images."""
    batch_size: int = parameter(128, ge=2, unit="images")
    """Images of a batch, each in two variations."""
    temperature: PositiveFloat = 0.15
    """τ of NT-Xent."""
    learning_rate: PositiveFloat = 2e-3
    """Of Adam, at the start; cosine to 0."""
    weight_decay: NonNegativeFloat = parameter(5e-4, source="as in training")
    """L2."""
    augment: AugmentConfig = AugmentConfig()
    """How the images are varied."""
