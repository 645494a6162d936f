"""What is rendered: sizes, the seed, and how hard it is."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from whosame.errors import ParameterError, unknown_name

RENDERER = 1  # raised whenever the same configuration would give other pictures


@dataclass(frozen=True)
class Counts:
    """How many identities and images a size has."""

    train_identities: int
    test_identities: int
    train_images: int
    query_images: int
    gallery_images: int
    distractor_images: int
    junk_images: int


SIZES = {
    "demo": Counts(100, 100, 1600, 500, 1050, 80, 10),
    # Market-1501's figures: 15,913 is its gallery without the junk, of which 2,798 are distractors
    "market": Counts(751, 750, 12936, 3368, 15913, 2798, 0),
}


@dataclass(frozen=True)
class SyntheticConfig:
    """Parameters of the rendered data set; every strength is 0 for none, 1 for much; the defaults are the demo's."""

    size: str = "demo"  # demo | market: the counts below, where they are null
    train_identities: int | None = None  # people in bounding_box_train, >= 0
    test_identities: int | None = None  # other people, in query and bounding_box_test, >= 0
    train_images: int | None = None  # >= train_identities
    query_images: int | None = None  # >= test_identities
    gallery_images: int | None = None  # in bounding_box_test, the two below among them
    distractor_images: int | None = None  # of them, of identity 0: false detections and people never asked for
    junk_images: int | None = None  # of them, of identity -1: crops too bad to count
    cameras: int = 6  # 1..9: the Market-1501 file name has one digit for it
    seed: int = 0  # >= 0; another seed gives other people, cameras and images
    height: int = 128  # pixels, 32..512
    width: int = 64  # pixels, 16..256
    look_alikes: float = 0.4  # share of identities that have look-alikes, 0..1
    group_size: int = 3  # largest group of look-alikes, >= 2
    viewpoint: float = 1.0  # how far people turn away from the camera's usual side, 0..2
    colour: float = 0.5  # strength of each camera's own cast, curve and saturation, 0..2
    lighting: float = 0.2  # strength of sun and shade, drawn anew for every walk past a camera, 0..2
    clutter: float = 0.6  # contrast of the backgrounds, 0..2
    pose: float = 1.0  # length of stride and swing of arms, 0..2
    crop: float = 0.5  # carelessness of the bounding box, 0..2
    blur: float = 0.6  # defocus and lost resolution, 0..2
    noise: float = 0.3  # sensor noise, 0..2
    occlusion: float = 0.08  # share of images with an object or a passer-by in front, 0..1

    def __post_init__(self) -> None:
        """Check every range, and report all that is wrong at once."""
        if self.size not in SIZES:
            raise unknown_name("size", self.size, SIZES)
        counts = self.counts
        ranges = {
            "cameras": (1, 9),
            "height": (32, 512),
            "width": (16, 256),
            "look_alikes": (0, 1),
            "occlusion": (0, 1),
        }
        ranges |= {"group_size": (2, 10), "seed": (0, 2**32)}
        ranges |= dict.fromkeys(("viewpoint", "colour", "lighting", "clutter", "pose", "crop", "blur", "noise"), (0, 2))
        problems = [
            f"'{name}' is {getattr(self, name)}, but takes {low}..{high}"
            for name, (low, high) in ranges.items()
            if not low <= getattr(self, name) <= high
        ]
        problems += [f"'{name}' is {n}, but takes 0 or more" for name, n in dataclasses.asdict(counts).items() if n < 0]
        people = counts.gallery_images - counts.distractor_images - counts.junk_images
        for name, images, identities in (
            ("train_images", counts.train_images, counts.train_identities),
            ("query_images", counts.query_images, counts.test_identities),
            ("gallery_images (less distractors and junk)", people, counts.test_identities),
        ):
            if images < identities or (images and not identities):
                problems.append(f"'{name}' is {images} for {identities} identities: at least one image each is needed")
        if problems:
            raise ParameterError("\n".join(["the synthetic data set cannot be as asked:", *problems]))

    @property
    def counts(self) -> Counts:
        """The size's counts, with those given here in their place."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Counts)}
        return dataclasses.replace(SIZES[self.size], **{name: n for name, n in given.items() if n is not None})

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of all that decides the pictures."""
        values = {**dataclasses.asdict(self), **dataclasses.asdict(self.counts), "size": None, "renderer": RENDERER}
        return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=16).hexdigest()
