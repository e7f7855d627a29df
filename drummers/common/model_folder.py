"""A drummer's model: a folder with `model.toml` and ONNX graphs.

    format = 1
    kind = "continuation"
    name = "..."
    [files]            # graph name = SHA-256 of NAME.onnx
    [facts]            # what this kind's player needs
    [training]         # data with licence, minutes
    [metrics]          # measured figures

Reading is strict: a missing, foreign, corrupt or newer folder is a BundleError of one line (MissingError where there is
no such folder). Nothing is ever unpickled.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort
import tomli_w

from ghostnote.errors import BundleError, MissingError
from ghostnote.files.paths import SHIPPED

FORMAT: Final = 1
MANIFEST: Final = "model.toml"
MODELS_DIR: Final = SHIPPED / "drummers"
"""Folder of the shipped models, one per kind, named by it."""
_TABLES: Final = ("files", "facts", "training", "metrics")


@dataclass(frozen=True)
class ModelFolder:
    """A checked model folder."""

    path: Path
    kind: str
    name: str
    facts: dict[str, object]
    training: dict[str, object] = field(default_factory=dict[str, object])
    metrics: dict[str, object] = field(default_factory=dict[str, object])
    files: dict[str, str] = field(default_factory=dict[str, str])

    def session(self, name: str) -> ort.InferenceSession:
        """The graph `name`.onnx on one CPU thread without spinning. Raises BundleError if it is not there or broken."""
        if name not in self.files:
            raise BundleError(f"{self.path / MANIFEST} lists no graph {name!r}: it is not a complete {self.kind} model")
        path = self.path / f"{name}.onnx"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BundleError(f"cannot read {path}: {error.strerror}; export or install the model again") from error
        if hashlib.sha256(data).hexdigest() != self.files[name]:
            raise BundleError(f"{path} is not the file that {MANIFEST} lists: export or install the model again")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own for every kind of damage
            raise BundleError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from error


def load_folder(path: Path, kind: str) -> ModelFolder:
    """The model of this kind in the folder `path`; see the module for what is raised."""
    manifest = path / MANIFEST
    if not path.is_dir():
        raise MissingError(f"no {kind} model {path}: export one with `ghostnote train-drummers {kind}`")
    try:
        table: dict[str, Any] = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path} holds no readable {MANIFEST}: it is not a drummer's model") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{manifest}: not a TOML file: {error}") from error
    version = table.get("format")
    if type(version) is not int or version < 1:
        raise BundleError(f"{manifest}: format is {version!r}, expected {FORMAT}")
    if version > FORMAT:
        raise BundleError(f"{manifest} has format {version}, newer than this program's {FORMAT}: update Ghostnote")
    if unknown := sorted(table.keys() - {"format", "kind", "name", *_TABLES}):
        raise BundleError(f"{manifest}: unknown key {unknown[0]}")
    if table.get("kind") != kind:
        raise BundleError(f"{path} holds a model of kind {table.get('kind')!r}, and a {kind} model is needed")
    if not isinstance(table.get("name"), str):
        raise BundleError(f"{manifest}: name is {table.get('name')!r}, expected a text")
    for key in _TABLES:
        if not isinstance(table.get(key, {}), dict):
            raise BundleError(f"{manifest}: {key} must be a table")
    files = table.get("files", {})
    if not files or not all(name.isidentifier() and isinstance(digest, str) for name, digest in files.items()):
        raise BundleError(f"{manifest}: [files] must list each graph with its SHA-256")
    return ModelFolder(path, kind, table["name"], **{key: table.get(key, {}) for key in _TABLES})


def write_folder(
    path: Path,
    kind: str,
    name: str,
    facts: Mapping[str, object],
    *,
    training: Mapping[str, object],
    metrics: Mapping[str, object],
) -> None:
    """Write model.toml for the graphs *.onnx in the folder `path`."""
    files = {one.stem: hashlib.sha256(one.read_bytes()).hexdigest() for one in sorted(path.glob("*.onnx"))}
    table = {"format": FORMAT, "kind": kind, "name": name, "files": files, "facts": dict(facts)}
    text = tomli_w.dumps({**table, "training": dict(training), "metrics": dict(metrics)})
    (path / MANIFEST).write_text(text, encoding="utf-8")
