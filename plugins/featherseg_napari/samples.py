"""Sample images for napari's menu: the ones that ship."""

from featherseg_napari.layers import LayerData, layer_of


def skin_lesion() -> list[LayerData]:
    """A dermoscopy image of a lesion (ISIC 2017, CC0)."""
    return _sample("skin_lesion.jpg")


def skin_naevus() -> list[LayerData]:
    """A dermoscopy image of a naevus (ISIC 2017, CC0)."""
    return _sample("skin_naevus.jpg")


def nuclei_fluorescence() -> list[LayerData]:
    """Nuclei under a fluorescence microscope (BBBC038v1, CC0)."""
    return _sample("nuclei_fluorescence.jpg")


def nuclei_stained() -> list[LayerData]:
    """Stained cells under a light microscope (BBBC038v1, CC0)."""
    return _sample("nuclei_stained.jpg")


def fundus() -> list[LayerData]:
    """A photograph of a retina (CHASE_DB1, CC BY 4.0)."""
    return _sample("fundus.jpg")


def hippocampus() -> list[LayerData]:
    """An MR volume around a hippocampus (Medical Segmentation Decathlon, CC BY-SA 4.0)."""
    return _sample("hippocampus.nii.gz")


def _sample(name: str) -> list[LayerData]:
    from featherseg_engines.imaging.readers import read_image
    from featherseg_resources import samples_folder

    return [layer_of(read_image(samples_folder() / name))]
