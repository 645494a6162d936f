"""Parameters of the synthetic data set: sizes, the seed, the strengths of its difficulties."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from whosame.parameters import Parameters, Share, parameter

RENDERER = 1  # version; raise it when the same configuration gives other pictures

Strength = Annotated[float, Field(ge=0, le=2)]


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


class SyntheticConfig(Parameters):
    """The rendered data set. A strength is 0 for none and 1 for much.

    The defaults are the demo's, chosen so that answers matter (docs/methods.md, The demo).
    """

    size: Literal["demo", "market"] = "demo"
    """The counts below where they are null: demo (100 + 100 people, 3,150 images), or Market-1501's counts."""
    train_identities: NonNegativeInt | None = parameter(None, unit="people")
    """In bounding_box_train."""
    test_identities: NonNegativeInt | None = parameter(None, unit="people")
    """Other people, in query and bounding_box_test."""
    train_images: NonNegativeInt | None = parameter(None, unit="images")
    """At least one for each of train_identities."""
    query_images: NonNegativeInt | None = parameter(None, unit="images")
    """At least one for each of test_identities."""
    gallery_images: NonNegativeInt | None = parameter(None, unit="images")
    """In bounding_box_test, distractors and junk among them."""
    distractor_images: NonNegativeInt | None = parameter(None, unit="images")
    """Of the gallery, of identity 0: false detections and people who are never asked for."""
    junk_images: NonNegativeInt | None = parameter(None, unit="images")
    """Of the gallery, of identity -1: crops too bad to count."""
    cameras: int = parameter(6, ge=1, le=9, unit="cameras")
    """Market-1501's file names have one digit for the camera."""
    seed: int = parameter(0, ge=0, le=2**32)
    """Another seed gives other people, cameras and images; apart from the run's seed, so that runs share the images."""
    height: int = parameter(128, ge=32, le=512, unit="pixels")
    """Of a rendered image."""
    width: int = parameter(64, ge=16, le=256, unit="pixels")
    """Of a rendered image."""
    look_alikes: Share = 0.4
    """Share of identities that have look-alikes."""
    group_size: int = parameter(3, ge=2, le=10, unit="people")
    """Largest group of look-alikes."""
    viewpoint: Strength = 1.0
    """How far people turn away from facing the camera."""
    colour: Strength = 0.5
    """Each camera's own cast, tone curve and saturation."""
    lighting: Strength = 0.2
    """Sun and shade, drawn for every walk past a camera."""
    clutter: Strength = 0.6
    """Contrast of the backgrounds."""
    pose: Strength = 1.0
    """Length of stride and swing of arms."""
    crop: Strength = 0.5
    """Carelessness of the bounding box."""
    blur: Strength = 0.6
    """Defocus and lost resolution."""
    noise: Strength = 0.3
    """Sensor noise."""
    occlusion: Share = 0.08
    """Share of images with an object or a passer-by in front."""

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        counts = self.counts
        people = counts.gallery_images - counts.distractor_images - counts.junk_images
        problems = [
            f"'{name}' is {images} for {identities} identities: at least one image each is needed"
            for name, images, identities in (
                ("train_images", counts.train_images, counts.train_identities),
                ("query_images", counts.query_images, counts.test_identities),
                ("gallery_images (less distractors and junk)", people, counts.test_identities),
            )
            if images < identities or (images and not identities)
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def counts(self) -> Counts:
        """The size's counts, with those given here in their place."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Counts)}
        return dataclasses.replace(SIZES[self.size], **{name: n for name, n in given.items() if n is not None})

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of all that decides the pictures."""
        values = {**self.model_dump(), **dataclasses.asdict(self.counts), "size": None, "renderer": RENDERER}
        return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=16).hexdigest()
