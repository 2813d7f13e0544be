"""The sites, one file each. A new file that defines `SHAPE` is on the air: there is no list to keep."""

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from playground.shape import Shape


@lru_cache(maxsize=1)
def all_shapes() -> dict[str, Shape]:
    """Every site by name.

    Raises:
        TypeError: a file of this folder defines no `SHAPE`.
        ValueError: two files define the same name.
    """
    shapes: dict[str, Shape] = {}
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        shape = getattr(import_module(f"{__name__}.{module.name}"), "SHAPE", None)
        if not isinstance(shape, Shape):
            raise TypeError(f"playground/shapes/{module.name}.py defines no SHAPE")
        if shape.name in shapes:
            raise ValueError(f"two files of playground/shapes define the site {shape.name!r}")
        shapes[shape.name] = shape
    return shapes
