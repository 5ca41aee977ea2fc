"""What ``featherseg models`` lists: networks with counted sizes, and bundles with their cards."""

from typing import Any

from rich.table import Table

from featherseg_engines.models.catalogue import Catalogue

Row = dict[str, Any]


def network_rows() -> tuple[list[Row], list[str]]:
    """A row for each network, parameters and multiply-adds counted, and what could not be listed.

    Raises
    ------
    ImportError
        The training packages are not installed.
    """
    from featherseg_engines.errors import MissingPackageError
    from featherseg_engines.networks.counting import count
    from featherseg_engines.networks.registry import default_registry

    registry = default_registry()
    rows, problems = [], list(registry.problems)
    for spec in registry:
        try:
            counts = count(spec)
        except MissingPackageError as error:
            problems.append(str(error))
            continue
        rows.append(
            {
                "name": spec.name,
                "title": spec.title,
                "paper": spec.paper,
                "year": spec.year,
                "identifier": spec.identifier,
                "dims": spec.dims,
                "params_train": counts.params_train,
                "params_deployed": counts.params_deployed,
                "gmacs_train": round(counts.gmacs_train, 4),
                "gmacs_deployed": round(counts.gmacs_deployed, 4),
                "input": [spec.in_channels, *spec.sides],
                "classes": spec.classes,
                "published_params": spec.published_params,
                "published_gmacs": spec.published_gmacs,
                "recipe": spec.recipe.source,
                "reconstruction": spec.reconstruction,
                "note": spec.note,
            }
        )
    return rows, problems


def bundle_rows() -> tuple[list[Row], list[str]]:
    """Name and card of each bundle, and a sentence for each folder that is none."""
    catalogue = Catalogue()
    rows = [{"name": b.card.name, "card": b.card.to_json()} for b in catalogue.bundles()]
    return rows, catalogue.problems()


def tables(networks: list[Row], bundles: list[Row]) -> tuple[Table, Table]:
    """The same for people."""
    first = Table("Network", "Parameters", "deployed", "GMAC", "deployed", "Published", title="Networks")
    for row in networks:
        sizes = (f"{row[key] / 1e6:.2f} M" for key in ("params_train", "params_deployed"))
        work = (f"{row[key]:.2f}" for key in ("gmacs_train", "gmacs_deployed"))
        first.add_row(row["name"], *sizes, *work, f"{row['published_params']}; {row['published_gmacs']}")
    second = Table("Model", "Network", "Labels", "Dice", "Data", "Licence permits", title="Models")
    for row in bundles:
        card = row["card"]
        dice = f"{card['measured'][0]['dice']:.3f}" if card["measured"] else "-"
        labels = ", ".join(entry["name"] for entry in card["labels"])
        training = card["training"]
        second.add_row(row["name"], card["network"], labels, dice, training["dataset"], training["permits"])
    return first, second
