"""Drawing of one image: a person on a camera's background, with obstacles and passers-by."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from whosame.identities import JUNK
from whosame.seeding import stream
from whosame.synthetic import scenery
from whosame.synthetic.body import View, ellipse
from whosame.synthetic.cameras import Camera, build_camera, draw_light, expose
from whosame.synthetic.canvas import Canvas
from whosame.synthetic.config import SyntheticConfig
from whosame.synthetic.figure import draw_person
from whosame.synthetic.lookalikes import draw_people
from whosame.synthetic.obstacles import draw_obstacle
from whosame.synthetic.plan import Shot
from whosame.synthetic.pose import draw_pose
from whosame.synthetic.wardrobe import Person

SHARP = 2  # images are drawn larger by this factor, then reduced: edges become smooth
STRANGERS = 300  # passers-by and distractors
TALL = 2.02  # metres between the lower and the upper edge of a careful crop


@dataclass(frozen=True)
class Studio:
    """What all images share: the people, the cameras and their backgrounds."""

    config: SyntheticConfig
    people: list[Person]  # person number p is people[p - 1]
    groups: list[int]
    strangers: list[Person]
    cameras: list[Camera]
    scenes: list[Image.Image]


@lru_cache(maxsize=2)
def open_studio(config: SyntheticConfig) -> Studio:
    """Draw what the images of a configuration share; the same in every process."""
    people: list[Person] = []
    groups: list[int] = []
    for split, count in (("train", config.counts.train_identities), ("test", config.counts.test_identities)):
        rng = stream(config.seed, "synthetic", "people", split)
        more, of = draw_people(count, config.look_alikes, config.group_size, rng)
        groups += [group + len(groups) for group in of]
        people += more
    strangers, _ = draw_people(STRANGERS, 0.0, 2, stream(config.seed, "synthetic", "strangers"))
    cameras = [build_camera(config, number) for number in range(1, config.cameras + 1)]
    scenes = [
        scenery.draw_scene(camera.site.scene, config.clutter, stream(config.seed, "synthetic", "scene", number))
        for number, camera in enumerate(cameras)
    ]
    return Studio(config, people, groups, strangers, cameras, scenes)


def draw_shot(studio: Studio, shot: Shot) -> Image.Image:
    """Draw one image, RGB of the configured size; every number comes from the shot's own streams."""
    config, camera = studio.config, studio.cameras[shot.camera - 1]
    rng = stream(config.seed, "synthetic", "image", shot.path)
    walk = stream(config.seed, "synthetic", "walk", shot.person, shot.camera) if shot.person else rng
    heading = math.radians(_heading(camera, config, walk))
    light = draw_light(config, walk)
    wide, high = SHARP * config.width, SHARP * config.height
    picture = _backdrop(studio.scenes[shot.camera - 1], wide, high, rng)
    canvas = Canvas(picture)
    turn, x, y, zoom, covered, who, beside, near, shown = rng.random(9).tolist()
    careless = config.crop * (2.5 if shot.identity == JUNK else 1.0)
    view = View(
        yaw=heading + 0.6 * config.viewpoint * (turn - 0.5),
        pitch=camera.pitch,
        scale=high / TALL * (1 + careless * 0.12 * (zoom - 0.45)),
        x=wide * (0.5 + careless * 0.12 * (x - 0.5)),
        y=high * (0.965 + careless * 0.07 * (y - 0.5)),
    )
    stranger = studio.strangers[int(who * STRANGERS)]
    if covered < config.occlusion * 0.25:  # someone walks behind
        _add_person(canvas, stranger, config, _moved(view, beside, 0.34, 0.88), rng)
    if shot.person:
        _add_person(canvas, studio.people[shot.person - 1], config, view, rng)
    elif shown < 0.5:
        _add_person(canvas, stranger, config, view, rng)
    else:  # a false detection: nothing, or a part of someone
        away = View(view.yaw, view.pitch, view.scale * 1.3, wide * (1.4 * x - 0.2), high * (1.1 + 0.6 * y))
        _add_person(canvas, stranger, config, away, rng)
    if covered > 1 - config.occlusion * 0.25:  # someone walks past in front, a shoulder in the picture
        front = View(
            view.yaw + math.pi * near,
            view.pitch,
            view.scale * 1.12,
            wide * (-0.02 if beside < 0.5 else 1.02),
            view.y + high * 0.1,
        )
        _add_person(canvas, studio.strangers[-1 - int(who * STRANGERS)], config, front, rng)
    elif config.occlusion * 0.25 <= covered < config.occlusion * 0.75:
        draw_obstacle(canvas.glaze, camera.site.scene, wide, high, rng)
    return expose(picture.reduce(SHARP), camera, light, config, rng)


def _heading(camera: Camera, config: SyntheticConfig, rng: np.random.Generator) -> float:
    """Draw the direction of a walk, degrees; at strength 0 everyone walks towards the camera."""
    ways = camera.site.headings
    way = ways[int(rng.integers(len(ways)))]
    signed = (way + 180) % 360 - 180
    return config.viewpoint * (signed + float(rng.normal(0, 12)))


def _backdrop(scene: Image.Image, wide: int, high: int, rng: np.random.Generator) -> Image.Image:
    x, size, y = rng.random(3).tolist()
    window = (0.75 + 0.2 * size) * scenery.HIGH
    across = window * wide / high
    left, top = x * (scenery.WIDE - across), y * (scenery.HIGH - window)
    box = (left, top, left + across, top + window)
    return scene.resize((wide, high), Image.Resampling.NEAREST, box=box)


def _moved(view: View, beside: float, by: float, scale: float) -> View:
    sign = 1 if beside < 0.5 else -1
    return View(
        view.yaw + 2 * beside,
        view.pitch,
        view.scale * scale,
        view.x + sign * by * view.scale,
        view.y - 0.08 * view.scale,
    )


def _add_person(canvas: Canvas, person: Person, config: SyntheticConfig, view: View, rng: np.random.Generator) -> None:
    canvas.paint(ellipse((view.x + 0.06 * view.scale, view.y), 0.3 * view.scale, 0.055 * view.scale), (0, 0, 0, 90))
    draw_person(canvas, person, draw_pose(config.pose, rng), view)
