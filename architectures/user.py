"""User networks: functions in Python files that build networks, used as arms like those of the catalogue.

The function takes the number of classes and returns a module that maps images (N, 3, H, W), normalized with
the ImageNet mean and standard deviation, to logits (N, num_classes). Flow maps of floats (`--flow-scale
constant` or `image`) are not normalized. The network is identified by the
function's name, the text of its file and the text of the modules that the file imports from its folder: an
edited file is another network, a moved file is the same one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from architectures.errors import ArchitectureError
from architectures.spec import USER_NETWORK, ArchitectureSpec

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The root folder of this project. Modules under it are not part of a user network."""


def load_user_spec(source: str) -> ArchitectureSpec:
    """Return the spec of the network `source`, of the form `FILE.py:function`; its name is the function's.

    Raises:
        ArchitectureError: `source` does not have that form, the file or the function does not exist, or the
            file cannot be imported.
    """
    file, _, function_name = source.rpartition(":")
    path = Path(file).expanduser()
    if not file or not function_name.isidentifier():
        raise ArchitectureError(
            "user-network.source-form",
            f"--architecture takes FILE.py:function, such as net.py:build; got {source!r}",
        )
    if not path.is_file():
        raise ArchitectureError(
            "user-network.no-file",
            f"--architecture takes FILE.py:function; got {source}, and there is no file {path}: check its "
            "name",
        )
    _, digest = _import_user_module(path.resolve(), function_name)
    return ArchitectureSpec(
        name=function_name, network=USER_NETWORK, source=f"{path.resolve()}:{function_name}", digest=digest
    )


def build_user_network(spec: ArchitectureSpec, *, num_classes: int) -> nn.Module:
    """Build the network with the user's function.

    Raises:
        ArchitectureError: the file does not exist, the file or a module that it imports has changed since the
            spec was made, the function fails, or it does not return a module.
    """
    file, _, function_name = spec.source.rpartition(":")
    if not Path(file).is_file():
        raise ArchitectureError(
            "user-network.file-removed",
            f"the network {spec.name} comes from {file}, which does not exist: put it back",
        )
    module, digest = _import_user_module(Path(file), function_name)
    if digest != spec.digest:
        raise ArchitectureError(
            "user-network.file-changed",
            f"{file}, or a module that it imports, has changed since the network {spec.name} was planned; "
            "plan the study again: the changed file is another network",
        )
    try:
        with _import_from_folder(Path(file)):
            network = getattr(module, function_name)(num_classes)
    except Exception as error:
        raise ArchitectureError(
            "user-network.build-failure",
            f"{spec.source} fails for {num_classes} classes: {type(error).__name__}: {error}; correct the "
            "function",
        ) from error
    if not isinstance(network, nn.Module):
        raise ArchitectureError(
            "user-network.no-module",
            f"{spec.source} must return a torch.nn.Module; got {type(network).__name__}",
        )
    return network


def check_output_shape(
    network: nn.Module, spec: ArchitectureSpec, *, num_classes: int, image_size: int
) -> None:
    """Check that a network maps images (2, 3, image_size, image_size) to logits (2, num_classes).

    Raises:
        ArchitectureError: the network fails, or its output has another shape; the message gives the shape.
    """
    images_shape = (2, 3, image_size, image_size)
    try:
        with torch.inference_mode():
            output = network.eval()(torch.zeros(images_shape))
    except Exception as error:
        # User code can raise any exception. The user must fix it before any run starts.
        raise ArchitectureError(
            "user-network.forward-failure",
            f"{spec.source} fails on images {images_shape}: {type(error).__name__}: {error}; correct the "
            "network, or change --image-size",
        ) from error
    shape = tuple(getattr(output, "shape", ()))
    if shape != (2, num_classes):
        raise ArchitectureError(
            "user-network.output-shape",
            f"{spec.source} must map images {images_shape} to logits (2, {num_classes}); got "
            f"{shape or type(output).__name__}",
        )


def _import_user_module(path: Path, function_name: str) -> tuple[ModuleType, str]:
    """Import the user's module anew; return it and the digest of the network.

    The digest covers the module's file, the modules that it imports from its folder, and `function_name`.
    """
    name = f"harness_user_{path.stem}"
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise ArchitectureError(
            "user-network.no-python-file",
            f"--architecture takes FILE.py:function; {path} is not a Python file",
        )
    module = importlib.util.module_from_spec(module_spec)
    # Modules of its folder that are loaded already are imported again, so that the digest covers them.
    previous_modules = {name: sys.modules.pop(name) for name in _find_user_modules(path.parent)}
    sys.modules[name] = module
    with _import_from_folder(path):
        try:
            module_spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            # User code can raise any exception. In every case the user must fix the file.
            raise ArchitectureError(
                "user-network.import-failure",
                f"{path} cannot be imported: {type(error).__name__}: {error}; correct the file",
            ) from error
        finally:
            user_modules = _find_user_modules(path.parent)
            contents = sorted(file.read_bytes() for file in {path, *user_modules.values()})
            contents.append(function_name.encode())
            for module_name in user_modules:
                del sys.modules[module_name]
            sys.modules.update(previous_modules)
    if not callable(getattr(module, function_name, None)):
        functions = ", ".join(
            sorted(name for name, value in vars(module).items() if _is_defined_in(value, module))
        )
        raise ArchitectureError(
            "user-network.no-function",
            f"--architecture takes FILE.py:function; {path} has no function {function_name!r}; "
            f"its functions: {functions or 'none'}",
        )
    return module, hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


def _is_defined_in(value: object, module: ModuleType) -> bool:
    """Return whether `value` is a function or class that `module` defines, not one that it imports."""
    return callable(value) and getattr(value, "__module__", "") == module.__name__


def _find_user_modules(folder: Path) -> dict[str, Path]:
    """Return the file of each loaded module, by name, that lies under `folder`.

    Installed packages and modules of this project are left out.
    """
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    # Thousands of modules lie in hundreds of folders: only folders are resolved, and few become a Path.
    locations = {
        name: os.path.split(file)
        for name, file in files.items()
        if file and file.endswith(".py") and name != "__main__"
    }
    prefix = os.path.join(folder, "")
    user_folders = {
        parent: resolved
        for parent in {parent for parent, _ in locations.values()}
        if (real_path := os.path.realpath(parent) + os.sep).startswith(prefix)
        and not {"site-packages", "dist-packages"} & set((resolved := Path(real_path)).parts)
        and not resolved.is_relative_to(PROJECT_ROOT)
    }
    return {
        name: user_folders[parent] / file_name
        for name, (parent, file_name) in locations.items()
        if parent in user_folders
    }


@contextmanager
def _import_from_folder(path: Path) -> Iterator[None]:
    """Search the folder of `path` first for imports, as Python does when it runs `path` as a script.

    No bytecode is written beside the user's files. Python would take it for current after an edit within the
    same second that keeps the size of the file.
    """
    writes_no_bytecode = sys.dont_write_bytecode
    sys.path.insert(0, str(path.parent))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_no_bytecode
        sys.path.remove(str(path.parent))
