"""From a network's published recipe to the plan and preprocessing of a lesson."""

from featherseg_engines.datasets import Dataset
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.networks.spec import NetworkSpec
from featherseg_engines.training.plan import Plan
from featherseg_engines.training.samples import suggested_block


def plan_for(spec: NetworkSpec) -> Plan:
    """A plan with the recipe's optimizer, rates, loss and batch; stages are for the caller to choose."""
    recipe = spec.recipe
    return Plan(
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        batch=max(2, recipe.batch) if spec.dims == 3 else recipe.batch,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        cross_entropy_weight=recipe.cross_entropy_weight,
        dice_weight=recipe.dice_weight,
        label_smoothing=recipe.label_smoothing,
        dice_smoothing=recipe.dice_smoothing,
    )


def preprocessing_for(spec: NetworkSpec, dataset: Dataset) -> Preprocessing:
    """What the network will see: ImageNet-normalised slices, or blocks of a volume by its own percentiles."""
    if spec.dims == 2:
        return Preprocessing(stride=spec.stride)
    return Preprocessing(
        channels=1,
        long_side=0,
        stride=spec.stride,
        intensity="percentile",
        mean=(0.5,),
        std=(0.25,),
        patch=suggested_block(dataset, spec.stride),
    )
