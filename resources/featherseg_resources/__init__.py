"""Where the bundled weights, samples and label sets lie. Standard library only."""

from pathlib import Path


def models_folder() -> Path:
    """The folder of the bundled model bundles, one sub-folder each."""
    return Path(__file__).parent / "models"


def samples_folder() -> Path:
    """The folder of the bundled sample images; ``samples.json`` beside them says whose they are."""
    return Path(__file__).parent / "samples"


def recipes_file() -> Path:
    """How each shipped model is made again, one table a model (TOML)."""
    return Path(__file__).parent / "recipes.toml"


def results_folder() -> Path:
    """What was measured when networks and their ablations were trained side by side, a JSON file each."""
    return Path(__file__).parent / "results"


def icon_file() -> Path:
    """The program's mark, a PNG of 256 x 256 pixels; the SVG it is made from lies beside it."""
    return Path(__file__).parent / "icons" / "featherseg.png"


def replay_folder() -> Path:
    """A few training images of some models, one data set a sub-folder, laid out as data sets are."""
    return Path(__file__).parent / "replay"
