"""Reading finished weights: networks rebuilt from the configuration that lies in the file's metadata."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ghostnote.errors import InputError, MissingError
from training.codecs.struck_codec import StruckCodec, StruckConfig
from training.recipe import from_table


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and the facts written beside them. Raises MissingError or InputError."""
    if not path.is_file():
        raise MissingError(f"no checkpoint {path}: train one with `ghostnote train`")
    try:
        with safe_open(str(path), "pt") as file:
            facts = json.loads((file.metadata() or {}).get("ghostnote", "null"))
            tensors = {
                key: file.get_tensor(key).float() if file.get_tensor(key).is_floating_point() else file.get_tensor(key)
                for key in file.keys()  # noqa: SIM118 - not a mapping
            }
    except SafetensorError as error:
        raise InputError(f"{path} is not a checkpoint of ours: {error}") from error
    if not isinstance(facts, dict):
        raise InputError(f"{path} was not written by `ghostnote train`: it does not describe its network")
    return tensors, facts


def write_half(source: Path, target: Path) -> None:
    """Copy a checkpoint with its floats as 16-bit ones: half the size, enough to start a later run from."""
    tensors, facts = read_weights(source)
    half = {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(half, target, {"ghostnote": json.dumps(facts)})


def start_weights(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """What `network` takes from a finished run. Raises InputError if a shape differs or nothing fits."""
    tensors, _ = read_weights(path)
    own = network.state_dict()
    if wrong := [k for k, v in tensors.items() if k in own and own[k].shape != v.shape]:
        raise InputError(f"{path} does not fit this recipe's network: {wrong[0]} has another shape")
    if not (fitting := {k: v for k, v in tensors.items() if k in own}):
        raise InputError(f"{path} holds nothing that this recipe's network could begin with")
    return fitting


def load_codec(path: Path) -> StruckCodec:
    """The codec of a checkpoint of task "codec", in evaluation mode. Raises MissingError, InputError."""
    return codec_of(path)[0]


def codec_of(path: Path) -> tuple[StruckCodec, dict[str, Any]]:
    """As `load_codec`, and the facts of its run."""
    tensors, facts = read_weights(path)
    if facts["run"]["task"] != "codec":
        raise InputError(f"{path} holds a {facts['run']['task']!r} network; one of task 'codec' is needed")
    codec = StruckCodec(from_table(StruckConfig, facts["tables"].get("model", {}), str(path)))
    codec.load_state_dict(tensors, strict=False)  # moving sums of the quantiser are not needed to decode
    return codec.eval(), facts
