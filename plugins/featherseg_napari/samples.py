"""Sample images for napari's menu: the ones that ship."""

from featherseg_napari.layers import LayerData, layer_of


def skin_lesion() -> list[LayerData]:
    """A dermoscopy image of a lesion (ISIC 2017, CC0)."""
    return _sample("skin_lesion.jpg")


def skin_naevus() -> list[LayerData]:
    """A dermoscopy image of a naevus (ISIC 2017, CC0)."""
    return _sample("skin_naevus.jpg")


def _sample(name: str) -> list[LayerData]:
    from featherseg_engines.imaging.readers import read_image
    from featherseg_resources import samples_folder

    return [layer_of(read_image(samples_folder() / name))]
