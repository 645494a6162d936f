"""Damaged and disguised image files by the thousand, from the index through the decoder to the annotation page.

``python benchmarks/mutated_images.py 20000 [--first=0] [--seed=0]``: files are made of ten formats and changed, each by
its number alone, so that parts can be run one by one. Ends with status 1, naming the file, where

- a file is neither indexed nor refused by its name and a reason;
- what was indexed cannot be decoded, or not be shown on the page, or has another size there;
- a process is started.
"""

import argparse
import io
import re
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffTags import TAGS_V2

from whosame.annotation.web.image_routes import UnshowableError, read_image
from whosame.data.decoding import FORMATS
from whosame.data.indexing import index_images
from whosame.data.manifest import Manifest
from whosame.data.pixels import PixelsConfig, StreamedPixels
from whosame.data.source import SourceConfig
from whosame.errors import InputError
from whosame.seeding import stream

BATCH = 500  # files of a folder
PIXELS = PixelsConfig(height=16, width=8)
STARTING = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"}
KNOWN_TAGS = sorted(TAGS_V2)
DISGUISES = ("eps", "ico", "jpeg2000", "pcx", "tga", "sgi", "pdf", "avif")
Draw = np.random.Generator

started: list[str] = []
sys.addaudithook(lambda event, _: started.append(event) if event in STARTING else None)


@dataclass
class Report:
    """What became of the files: how many were accepted by format, how many refused by reason, and the faults."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return an image as the bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def odd_exif(draw: Draw) -> bytes:
    """Return EXIF with an orientation and up to three tags, half of them known, of any type, count and value."""
    order = "<" if draw.integers(2) else ">"
    entries = [struct.pack(order + "HHIHH", 274, 3, 1, draw.integers(10), 0)]
    for _ in range(draw.integers(4)):
        tag = draw.choice(KNOWN_TAGS) if draw.integers(2) else draw.integers(65536)
        kind, count, value = draw.integers(14), draw.choice([0, 1, 1, 1, 2, 5]), draw.integers(256)
        entries.append(struct.pack(order + "HHII", tag, kind, count, value))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return b"Exif\0\0" + head + struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)


def tiff(draw: Draw, noise: np.ndarray) -> bytes:
    """Return a TIFF of any kind of pixels and compression."""
    grey = noise[..., 0]
    made = [
        Image.fromarray(noise),
        Image.fromarray(grey),
        Image.fromarray(grey.astype(np.uint16) * 257),
        Image.fromarray(grey.astype(np.int32) * 2**22),
        Image.fromarray(grey.astype(np.float32) / 255),
        Image.fromarray(noise).convert("CMYK"),
        Image.fromarray(noise).convert("LAB"),
        Image.fromarray(noise).quantize(16),
        Image.fromarray(grey).convert("1"),
    ]
    compression = str(draw.choice(["raw", "tiff_lzw", "tiff_deflate", "packbits"]))
    orientation = {274: int(draw.integers(1, 9))} if draw.integers(2) else {}
    return saved(made[draw.integers(len(made))], "tiff", compression=compression, tiffinfo=orientation)


def png(draw: Draw, noise: np.ndarray) -> bytes:
    """Return a PNG of any kind of pixels."""
    image = Image.fromarray(noise)
    deep = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    made = [image, image.convert("RGBA"), image.convert("LA"), image.quantize(8), deep, image.convert("1")]
    exif = {"exif": odd_exif(draw)} if draw.integers(2) else {}
    return saved(made[draw.integers(len(made))], "png", **exif)


def deep_pgm(draw: Draw, noise: np.ndarray) -> bytes:
    """Return a greyscale PGM of any range, binary or as text."""
    high, wide = noise.shape[:2]
    top = int(draw.choice([1, 15, 255, 1023, 65535]))
    values = noise[..., 0].astype(np.int64) * top // 255
    if draw.integers(2):
        return f"P2 {wide} {high} {top}\n{' '.join(map(str, values.ravel()))}\n".encode()
    return f"P5 {wide} {high} {top}\n".encode() + values.astype(">u2" if top > 255 else "u1").tobytes()


def moving_gif(draw: Draw, noise: np.ndarray) -> bytes:
    """Return a GIF of one frame or three."""
    frames = [Image.fromarray(np.roll(noise, step, 0)) for step in range(draw.choice([1, 3]))]
    return saved(frames[0], "gif", save_all=True, append_images=frames[1:])


MAKERS: dict[str, Callable[[Draw, np.ndarray], bytes]] = {
    "jpg": lambda draw, noise: saved(Image.fromarray(noise), "jpeg", exif=odd_exif(draw)),
    "jpeg": lambda draw, noise: saved(
        Image.fromarray(noise).convert(str(draw.choice(["L", "CMYK", "RGB"]))), "jpeg", progressive=True
    ),
    "png": png,
    "bmp": lambda draw, noise: saved(Image.fromarray(noise).convert(str(draw.choice(["RGB", "L", "1"]))), "bmp"),
    "webp": lambda draw, noise: saved(
        Image.fromarray(noise), "webp", lossless=bool(draw.integers(2)), exif=odd_exif(draw)
    ),
    "tif": tiff,
    "tiff": tiff,
    "ppm": lambda _, noise: saved(Image.fromarray(noise), "ppm"),
    "pgm": deep_pgm,
    "gif": moving_gif,
}


def made(number: int, seed: int) -> tuple[str, bytes]:
    """Return the suffix and the bytes of the file of that number."""
    draw = stream(seed, "mutated images", number)
    suffix = list(MAKERS)[number % len(MAKERS)]
    high, wide = draw.integers(1, 64, 2)
    noise = draw.integers(0, 256, (high, wide, 3), np.uint8)
    return suffix, mutated(draw, MAKERS[suffix](draw, noise), noise)


def mutated(draw: Draw, content: bytes, noise: np.ndarray) -> bytes:
    """Return a file's bytes as they are, or changed in one way."""
    data, n = bytearray(content), len(content)
    where, length = int(draw.integers(n)), int(draw.integers(1, 64))
    match draw.integers(10):
        case 0:
            pass
        case 1:
            del data[where:]
        case 2:
            del data[where : where + length]
        case 3:
            data[where:where] = draw.bytes(length)
        case 4:
            data[where : where + length] = bytes([int(draw.choice([0, 255]))]) * length
        case 5:
            data[where:where] = data[where : where + length]
        case 6:
            other = MAKERS[str(draw.choice(list(MAKERS)))](draw, noise)
            data[where:] = other[min(where, len(other)) :]
        case 7:
            disguise = str(draw.choice(DISGUISES))
            image = Image.fromarray(noise).convert("L" if disguise == "sgi" else "RGB")
            data = bytearray(saved(image, disguise))
        case _:  # bytes here and there, in half of the cases near the beginning
            reach = n if draw.integers(2) else min(n, 128)
            for place in draw.integers(0, reach, draw.integers(1, 17)):
                data[place] = draw.integers(256)
    return bytes(data)


def check(numbers: range, folder: Path, *, seed: int = 0) -> Report:
    """Make the files of these numbers in a folder, and take them from the index to the page."""
    report = Report()
    root = folder / "images"
    root.mkdir(parents=True)
    names = {}
    for number in numbers:
        suffix, content = made(number, seed)
        names[f"{number:06}.{suffix}"] = number
        (root / f"{number:06}.{suffix}").write_bytes(content)
    started.clear()
    source = SourceConfig(layout="folder", images=str(root), unreadable="skip", max_megapixels=1.0)
    manifest = index_images(source, folder / "cache")
    told = {}
    for listed in (folder / "cache" / "02_index").glob("unreadable_*.txt"):
        told = dict(line.split(": ", 1) for line in listed.read_text().splitlines())
    for path in sorted(names.keys() - told.keys() - set(manifest.table["path"])):
        report.faults.append(f"{path}: neither indexed nor named")
    report.refused.update(re.sub(r"\d+", "n", reason.split(":")[0]) for reason in told.values())
    pixels = StreamedPixels(manifest, PIXELS)
    for image_id, path in enumerate(manifest.table["path"]):
        report.accepted[Path(path).suffix] += 1
        report.faults += [f"{path}: {fault}" for fault in later(manifest, pixels, image_id)]
    report.faults += [f"{event}: a process was started" for event in started]
    return report


def later(manifest: Manifest, pixels: StreamedPixels, image_id: int) -> list[str]:
    """Return what goes wrong when an indexed image is decoded and shown."""
    about = manifest.table.iloc[image_id]
    size = (about["width"], about["height"])
    faults = []
    try:
        pixels.read(np.array([image_id]))
    except InputError as error:
        faults.append(f"cannot be decoded: {error}")
    try:
        content, kind = read_image(manifest.root, about["path"], about["digest"])
    except UnshowableError as error:
        return [*faults, f"cannot be shown: {error}"]
    with Image.open(io.BytesIO(content), formats=FORMATS) as shown:
        if shown.size != size or Image.MIME[shown.format or ""] != kind:
            faults.append(f"is shown as {shown.format} of {shown.size} called {kind}, not of {size}")
    return faults


def main() -> None:
    """Check the files of the command line, and print what became of them."""
    options = argparse.ArgumentParser()
    options.add_argument("count", type=int)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    total, last = Report(), given.first + given.count
    for first in range(given.first, last, BATCH):
        with tempfile.TemporaryDirectory() as folder:
            found = check(range(first, min(first + BATCH, last)), Path(folder), seed=given.seed)
        total.accepted += found.accepted
        total.refused += found.refused
        total.faults += found.faults
    print(f"{given.count:,} files, seed {given.seed}, from {given.first:,}")
    print(f"{total.accepted.total():,} indexed, decoded and shown: {dict(sorted(total.accepted.items()))}")
    print(f"{total.refused.total():,} refused, each by name: {dict(total.refused.most_common())}")
    print(f"{len(total.faults)} faults", *total.faults, sep="\n")
    sys.exit(bool(total.faults))


if __name__ == "__main__":
    main()
