"""Reading finished weights: networks rebuilt from the configuration that lies in the file's metadata."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ghostnote.errors import InputError, MissingError
from training.codecs.drum_codec import CodecConfig, DrumCodec
from training.predictors.live import LiveConfig, LivePredictor
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
    """What `network` takes from a finished run, under its own names.

    A codec takes a codec, also that of a live checkpoint. A live network takes the predictor only: its codec is the
    one its recipe names. Raises InputError if a shape differs or nothing fits.
    """
    tensors, _ = read_weights(path)
    own = network.state_dict()
    if not own.keys() & tensors.keys():
        tensors = {k.removeprefix("codec."): v for k, v in tensors.items() if k.startswith("codec.")}
    elif any(k.startswith("predictor.") for k in own):
        tensors = {k: v for k, v in tensors.items() if k.startswith("predictor.") and k != "predictor.codebooks"}
    sized = {k: v for k, v in own.items() if not k.endswith("memory.codes")}  # the memory may have any size
    if wrong := [k for k, v in tensors.items() if k in sized and sized[k].shape != v.shape]:
        raise InputError(f"{path} does not fit this recipe's network: {wrong[0]} has another shape")
    if not (fitting := {k: v for k, v in tensors.items() if k in own}):
        raise InputError(f"{path} holds nothing that this recipe's network could begin with")
    return fitting


def load_codec(path: Path) -> DrumCodec:
    """The codec of a checkpoint of task "codec" or "live", in evaluation mode."""
    tensors, facts = read_weights(path)
    table = facts["tables"]["codec_model"] if facts["run"]["task"] == "live" else facts["tables"].get("model", {})
    codec = DrumCodec(from_table(CodecConfig, table, str(path)))
    prefix = "codec." if facts["run"]["task"] == "live" else ""
    codec.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    return codec.eval()


def load_checkpoint(path: Path) -> tuple[DrumCodec, LivePredictor, dict[str, Any]]:
    """Codec and predictor of a checkpoint of task "live", in evaluation mode, and its facts."""
    tensors, facts = read_weights(path)
    if facts["run"]["task"] != "live":
        raise InputError(f"{path} holds a {facts['run']['task']!r} network; a predictor of task 'live' is needed")
    codec = load_codec(path)
    config = from_table(LiveConfig, facts["tables"].get("model", {}), str(path))
    predictor = LivePredictor(config, len(facts["kits"]), facts["drummers"], torch.clone(codec.codebooks))
    mine = {k.removeprefix("predictor."): v for k, v in tensors.items() if k.startswith("predictor.")}
    predictor.load_state_dict(mine)
    return codec, predictor.eval(), facts
