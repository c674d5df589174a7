"""A network of the user's own: a function in a Python file, as good an arm as any of the catalogue's.

The function takes the number of classes and gives a module from images (N, 3, H, W), normalised as ImageNet's
are, to logits (N, classes). What identifies the network is the function's name, the text of its file and of
the modules beside it that the file imports: an edited file is another network, a moved one is the same.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from architectures.spec import USER_NETWORK, ArchitectureSpec

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""Where this project lies: none of it is the user's."""


def load_user_spec(source: str) -> ArchitectureSpec:
    """The spec of the network that `FILE.py:function` names, under the function's name.

    Raises:
        ValueError: not of that form, no such file or function, or a file that cannot be imported.
    """
    file, _, function_name = source.rpartition(":")
    path = Path(file).expanduser()
    if not file or not function_name.isidentifier():
        raise ValueError(f"--architecture takes FILE.py:function; got {source!r}")
    if not path.is_file():
        raise ValueError(f"--architecture {source}: there is no file {path}")
    _, digest = _import_user_module(path.resolve(), function_name)
    return ArchitectureSpec(
        name=function_name, network=USER_NETWORK, source=f"{path.resolve()}:{function_name}", digest=digest
    )


def source_ref(function: Callable[[int], nn.Module]) -> str:
    """`FILE.py:function` of a function that was imported from a file.

    Raises:
        ValueError: it has no file or no name of its own, as one typed into a prompt or a lambda.
    """
    file = inspect.getsourcefile(function) if inspect.isfunction(function) else None
    if file is None or not Path(file).is_file() or not function.__name__.isidentifier():
        raise ValueError(
            f"{function!r} cannot be told apart from an edited version of it: put it into a file, as a "
            "function with a name at the top level"
        )
    return f"{file}:{function.__name__}"


def build_user_network(spec: ArchitectureSpec, *, num_classes: int) -> nn.Module:
    """The network that the user's function builds.

    Raises:
        ValueError: the file has changed since the spec was made, or the function gives no such network.
    """
    file, _, function_name = spec.source.rpartition(":")
    if not Path(file).is_file():
        raise ValueError(f"the network {spec.name} was read from {file}, which is not there; put it back")
    module, digest = _import_user_module(Path(file), function_name)
    if digest != spec.digest:
        raise ValueError(
            f"{file}, or a module that it imports, has changed since the network {spec.name} was planned; "
            "start again: the changed file is another network"
        )
    try:
        with _prepend_to_sys_path(Path(file)):
            network = getattr(module, function_name)(num_classes)
    except Exception as error:
        raise ValueError(
            f"{spec.source} fails for {num_classes} classes: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(network, nn.Module):
        raise ValueError(f"{spec.source} must give a torch.nn.Module; got {type(network).__name__}")
    return network


def check_output_shape(
    network: nn.Module, spec: ArchitectureSpec, *, num_classes: int, image_size: int
) -> None:
    """See that a network answers a batch of two images of `size` pixels with logits (2, classes).

    Raises:
        ValueError: it does not; the message says what it gave.
    """
    try:
        with torch.inference_mode():
            output = network.eval()(torch.zeros(2, 3, image_size, image_size))
    except Exception as error:
        # Whatever the user's code raises is theirs to mend, before anything runs.
        raise ValueError(
            f"{spec.source} fails on images (2, 3, {image_size}, {image_size}): {type(error).__name__}: {error}"
        ) from error
    shape = tuple(getattr(output, "shape", ()))
    if shape != (2, num_classes):
        raise ValueError(
            f"{spec.source} must answer images (2, 3, {image_size}, {image_size}) with logits (2, {num_classes}); got "
            f"{shape or type(output).__name__}"
        )


def _import_user_module(path: Path, function_name: str) -> tuple[ModuleType, str]:
    """The user's module, imported afresh, and a digest of it, what it imports from beside it and the name."""
    name = f"harness_user_{path.stem}"
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise ValueError(f"--architecture takes FILE.py:function; {path} is no Python file")
    module = importlib.util.module_from_spec(module_spec)
    # What lies beside it and is there already is imported again, so that it is read and counted.
    previous_modules = {name: sys.modules.pop(name) for name in _find_user_modules(path.parent)}
    sys.modules[name] = module
    with _prepend_to_sys_path(path):
        try:
            module_spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            # The user's file may fail in any way; all of them mean that it is theirs to mend.
            raise ValueError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
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
        raise ValueError(
            f"--architecture takes FILE.py:function; {path} has no function {function_name!r}; "
            f"it has {functions or 'none'}"
        )
    return module, hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


def _is_defined_in(value: object, module: ModuleType) -> bool:
    """Whether a function or class was written in a module, and not imported into it."""
    return callable(value) and getattr(value, "__module__", "") == module.__name__


def _find_user_modules(folder: Path) -> dict[str, Path]:
    """Loaded modules whose files lie under `folder` and in no installation, by name."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    paths = {name: Path(file).resolve() for name, file in files.items() if file and name != "__main__"}
    return {
        name: file
        for name, file in paths.items()
        if file.suffix == ".py"
        and file.is_relative_to(folder)
        and not {"site-packages", "dist-packages"} & set(file.parts)
        and not file.is_relative_to(PROJECT_ROOT)
    }


@contextmanager
def _prepend_to_sys_path(path: Path) -> Iterator[None]:
    """Imports find what lies beside `path` first, as they would if it were run as a script."""
    sys.path.insert(0, str(path.parent))
    try:
        yield
    finally:
        sys.path.remove(str(path.parent))
