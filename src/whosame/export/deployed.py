"""Deployed network: the trained one with the preparation of its input in it, as ``torch.export`` and as ONNX."""

import io
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from whosame.errors import ParameterError
from whosame.export.packages import check_packages
from whosame.features.given_features import GivenFeatures
from whosame.features.network import ReIDNetwork

OPSET = 23  # the newest of which onnxruntime implements every operator that the networks here need
EXAMPLES = 2  # images in the example: with 1, torch.export takes the size of the batch for a constant


class Deployed(nn.Module):
    """A network that takes images as decoders give them, or features as they were computed elsewhere.

    Parameters
    ----------
    network : ReIDNetwork
        Set to evaluation mode, on the CPU.
    """

    def __init__(self, network: ReIDNetwork) -> None:
        super().__init__()
        self.network = network.cpu().to(memory_format=torch.contiguous_format).eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 [n, H, W, 3], red, green, blue, to features float32 [n, D] of length 1.

        A network on given features maps float32 [n, D] of any length but 0.
        """
        if isinstance(self.network.backbone, GivenFeatures):
            # As the loop keeps them: of length √D, in float16 (whosame.data.feature_file).
            scaled = functional.normalize(images, dim=1) * images.shape[1] ** 0.5
            maps = scaled.to(torch.float16).to(torch.float32)[:, :, None, None]
            return self.network.embed(self.network.trained_part()(maps))
        return self.network(images.permute(0, 3, 1, 2).to(torch.float32) / 255)  # type: ignore[no-any-return]

    def example(self, height: int, width: int) -> Tensor:
        """Return a batch of the type and shape that it takes."""
        backbone = self.network.backbone
        if isinstance(backbone, GivenFeatures):
            return torch.ones(EXAMPLES, backbone.channels)
        return torch.zeros(EXAMPLES, height, width, 3, dtype=torch.uint8)


def export_program(deployed: Deployed, height: int, width: int) -> torch.export.ExportedProgram:
    """Return the network as a program of ``torch.export``, for batches of any size.

    Parameters
    ----------
    deployed : Deployed
    height, width : int
        Of its images, in pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own deprecations
        return torch.export.export(
            deployed,
            (deployed.example(height, width),),
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        )


def program_bytes(program: torch.export.ExportedProgram) -> bytes:
    """Return the content of a ``.pt2`` file."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program, file)
    return file.getvalue()


def onnx_bytes(program: torch.export.ExportedProgram, about: Mapping[str, str]) -> bytes:
    """Return the content of an ``.onnx`` file: the input ``images``, the output ``features``, opset :data:`OPSET`.

    Parameters
    ----------
    program : ExportedProgram
        From :func:`export_program`.
    about : mapping of str to str
        Kept in the file's metadata.

    Raises
    ------
    ParameterError
        The packages are missing, or the exporter does not know an operator of the network.
    """
    check_packages()
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: Any = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["features"],
                verbose=False,
            )
        model = made.model_proto
    except torch.onnx.OnnxExporterError as error:
        raise ParameterError(
            f"the network cannot be written as ONNX: {error}. Leave it out with --params=export.onnx=false"
        ) from error
    finally:
        quiet.setLevel(level)
    model.producer_name = "whosame"
    for name, value in about.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value
    return model.SerializeToString()  # type: ignore[no-any-return]
