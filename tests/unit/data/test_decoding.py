"""Every format and every kind of pixels, turned by the orientation alone; what has no known range is refused by name."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from whosame.data.decoding import UnusableImageError, decode, inspect

LIMIT = 1e6
LYING = np.random.default_rng(0).integers(0, 256, (5, 3, 1), np.uint8).repeat(16, 0).repeat(16, 1).repeat(3, 2)
UPRIGHT = {  # by the orientation (EXIF 2.3, tag 274)
    1: LYING,
    2: LYING[:, ::-1],
    3: LYING[::-1, ::-1],
    4: LYING[::-1],
    5: LYING.swapaxes(0, 1),
    6: LYING[::-1].swapaxes(0, 1),
    7: LYING[::-1, ::-1].swapaxes(0, 1),
    8: LYING[:, ::-1].swapaxes(0, 1),
}


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif_of(orientation, *entries):
    """EXIF with an orientation, and entries of (tag, type, count, value)."""
    rows = [struct.pack("<HHII", *entry) for entry in ((274, 3, 1, orientation), *entries)]
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(rows) + bytes(4)


def tiff_of(values, bits, *, kind=1, photometric=1, order="<"):
    """A raw TIFF of one row of bytes: bits a sample, sample format ``kind``, photometric interpretation."""
    width = len(values) * 8 // bits
    tags = {
        256: width,
        257: 1,
        258: bits,
        259: 1,
        262: photometric,
        273: 8,
        277: 1,
        278: 1,
        279: len(values),
        339: kind,
    }
    rows = b"".join(
        struct.pack(
            order + ("HHII" if order == "<" else "HHIHH"), tag, 3, 1, *((value,) if order == "<" else (value, 0))
        )
        for tag, value in tags.items()
    )
    data = values + bytes(-len(values) % 2)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(data))
    return head + data + struct.pack(order + "H", len(tags)) + rows + bytes(4)


def check_both(content):
    """Inspecting and decoding agree that it cannot be used; return the reason."""
    with pytest.raises(UnusableImageError) as inspected:
        inspect(content, LIMIT)
    with pytest.raises(UnusableImageError) as decoded:
        decode(content, 16, 8, invert=False)
    assert str(inspected.value) == str(decoded.value)
    return str(inspected.value)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_size_and_pixels_are_turned_by_the_orientation(kind, orientation):
    options = {"tiffinfo": {274: orientation}} if kind == "tiff" else {"exif": exif_of(orientation)}
    lossless = {"jpeg": {"quality": 100}, "webp": {"lossless": True}}.get(kind, {})
    content, expected = encoded(Image.fromarray(LYING), kind, **options, **lossless), UPRIGHT[orientation]
    assert inspect(content, LIMIT) == expected.shape[:2]
    pixels = decode(content, *expected.shape[:2], invert=False)
    assert np.abs(pixels.astype(int) - expected).max() <= (3 if kind == "jpeg" else 0)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_no_other_tag_matters(kind):
    """Pillow's exif_transpose writes EXIF again, and so fails for half of these."""
    image = Image.fromarray(LYING)
    for type_ in range(14):
        for tag in (0, 256, 271, 282, 306, 330, 34665, 34853, 37500, 40965, 42036, 50341, 65535):
            for value in (0, 40):
                content = encoded(image, kind, exif=exif_of(6, (tag, type_, 1, value)))
                assert inspect(content, LIMIT) == (48, 80), (type_, tag, value)
                assert decode(content, 48, 80, invert=False).shape == (48, 80, 3), (type_, tag, value)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0nonsense", exif_of(6)[:20], exif_of(77), exif_of(0)])
def test_with_damaged_exif_an_image_stays_as_it_is_stored(exif):
    content = encoded(Image.fromarray(LYING), "jpeg", exif=exif)
    assert inspect(content, LIMIT) == (80, 48)
    assert decode(content, 80, 48, invert=False).shape == (80, 48, 3)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encoded(Image.fromarray(np.full((4, 4), 0.5, np.float32)), "tiff"), "floating-point"),
        (encoded(Image.fromarray(np.full((4, 4), 2**30, np.int32)), "tiff"), "32 bits"),
        (tiff_of(np.arange(8, dtype="<i2").tobytes(), 16, kind=2), "signed"),
        (tiff_of(np.arange(8, dtype=">i2").tobytes(), 16, kind=2, order=">"), "signed"),
        (tiff_of(np.arange(8, dtype="<u4").tobytes(), 32), "32 bits"),
        (tiff_of(np.arange(8, dtype="<f4").tobytes(), 32, kind=3), "floating-point"),
        (tiff_of(np.arange(8, dtype="<f4").tobytes(), 32, kind=3, photometric=0), "floating-point"),
        (tiff_of(np.arange(8, dtype="i1").tobytes(), 8, kind=2), "signed"),
        (b"Pf\n2 2\n-1.0\n" + np.ones(4, "<f4").tobytes(), "floating-point"),
    ],
    ids=["float", "int32", "int16", "big-endian int16", "uint32", "raw float", "white is 0", "int8", "PFM"],
)
def test_pixels_of_unknown_range_are_refused_by_name(content, kind):
    assert kind in check_both(content)
    assert "save it with 8 or 16 bits" in check_both(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tiff_of(np.array([0, 255, 256, 65535], "<u2").tobytes(), 16), [0, 0, 1, 255]),
        (tiff_of(np.array([0, 255, 256, 65535], ">u2").tobytes(), 16, order=">"), [0, 0, 1, 255]),
        (tiff_of(np.array([0, 255, 256, 65535], "<u2").tobytes(), 16, photometric=0), [255, 255, 254, 0]),
        (tiff_of(b"\x00\x08\x00\xff\xf0\x10", 12), [0, 128, 255, 1]),
        (tiff_of(bytes([0, 128, 255, 1]), 8), [0, 128, 255, 1]),
        (tiff_of(bytes([0, 128, 255, 1]), 8, photometric=0), [255, 127, 0, 254]),
        (b"P2 4 1 1023\n0 512 1023 4\n", [0, 128, 255, 1]),
        (b"P5 4 1 65535\n" + np.array([0, 32768, 65535, 256], ">u2").tobytes(), [0, 128, 255, 1]),
        (b"P2 4 1 4\n0 2 4 1\n", [0, 128, 255, 64]),
        (encoded(Image.fromarray(np.array([[0, 32768, 65535, 256]], np.uint16)), "png"), [0, 128, 255, 1]),
        (b"P6 4 1 65535\n" + np.array([0, 32768, 65535, 256], ">u2").repeat(3).tobytes(), [0, 128, 255, 1]),
        (encoded(Image.new("CMYK", (4, 1)), "tiff"), [255, 255, 255, 255]),
    ],
    ids=[
        "16",
        "16 >",
        "16 white is 0",
        "12",
        "8",
        "8 white is 0",
        "PGM 1023",
        "PGM 65535",
        "PGM 4",
        "PNG",
        "PPM",
        "CMYK",
    ],
)
def test_known_ranges_become_0_to_255(content, expected):
    pixels = decode(content, 1, 4, invert=False)
    assert np.abs(pixels[0].astype(int) - np.array(expected)[:, None]).max() <= 1
    assert inspect(content, LIMIT) == (1, 4)


def test_lab_becomes_rgb():
    colour = Image.new("RGB", (4, 4), (200, 100, 50))
    from PIL import ImageCms

    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(colour, *profiles, outputMode="LAB")
    pixels = decode(encoded(lab, "tiff"), 4, 4, invert=False)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 3


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("kind", ["eps", "ico", "jpeg2000", "pcx", "tga", "avif", "pdf", "icns", "dds", "xbm", "text"])
def test_content_of_another_format_is_refused_and_starts_no_program(kind, monkeypatch):
    started = []
    sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
    image = Image.fromarray(LYING).convert("1" if kind == "xbm" else "RGB")
    content = {"eps": EPS, "text": b"not an image"}.get(kind) or encoded(image, kind)
    assert "JPEG" in check_both(content)
    assert started == []


def test_a_frame_is_the_first():
    frames = [Image.new("RGB", (8, 16), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    for kind, options in (("gif", {}), ("tiff", {}), ("png", {}), ("webp", {"lossless": True})):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (decode(content, 16, 8, invert=False) == (255, 0, 0)).all(), kind
