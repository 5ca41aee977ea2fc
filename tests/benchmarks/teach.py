"""``python3 dev.py bench teach``: what a lesson of a few cases and minutes gives, beside a forest and plain training.

For each task a parent that has never seen it is taught 5, 10, 20 cases of the train part; the dev part is the unseen
rest. "ours" is the product's way (``LocalTeacher``: hold-out, gate and all); beside it, from the same cases, a random
forest on multi-scale features (scikit-image's trainable segmentation) and plain training of the whole network with
Adam at the paper's rate for the same time. A finished row is kept in ``out/bench_teach`` and not made again.

    python3 dev.py bench teach [--quick] [--cases 10] [--tasks polyp,nuclei] [--minutes 3] [--dev 40] [--only ours]
        [--seeds 42,43,44]

``--steps 350`` ends each of our lessons after so many steps instead (a fold after its share of them), whatever else
the machine does: what three minutes on two idle cores hold stands in the row of a run without it. Such rows are kept
apart, and say nothing of seconds.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg.cli_finetune import Unhurried, drawn, order_from_dataset
from featherseg_engines.datasets import Dataset, read_dataset
from featherseg_engines.evaluation import scored
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.models.bundle import ModelBundle, open_bundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.order import Control, Listen, Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.school import Aids, Learnt, School, standard_school
from featherseg_engines.teaching.teach import LocalTeacher
from featherseg_engines.training.publish import looks_of_set

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
OUT = ROOT / "out" / "bench_teach"
OWN = 150
"""Images, at most, of the parent's own task."""
SEED = 42
"""Which rows are made with where nobody names another; its files have no seed in their names."""
DRIVE_STEPS = 600
"""That the parent of the last row learns: what six minutes hold."""
Numbers = npt.NDArray[np.uint8]
Answer = Callable[[npt.NDArray[np.generic]], Numbers]


@dataclass(frozen=True)
class Task:
    """A row's parent and data; ``whole`` is the shipped model that learned from the whole train part.

    With a ``network`` there is no parent: it is taught from scratch, for ``minutes``, and nothing stands beside it.
    """

    name: str
    parent: str
    data: str
    whole: str
    glob: str = "*"
    own: str = "isic2017_lesion"
    counts: tuple[int, ...] = (5, 10, 20)
    network: str = ""
    minutes: float = 0.0


TASKS = (
    Task("polyp", "repsegnet.skin", "kvasir_seg", "repsegnet.polyp"),
    Task("breast_us", "repsegnet.skin", "busi", "repsegnet.breast_us"),
    Task("nuclei", "repsegnet.skin", "dsb2018_nuclei", "repsegnet.nuclei"),
    Task("blood_cells", "repsegnet.skin", "wbc_blood", "repsegnet.blood_cells"),
    Task(
        "chase",
        "drive",
        "retina_vessels",
        "repsegnet.vessels",
        "chase_*",
        "retina_vessels:drive_*",
        (5, 10, 16),
    ),
    Task(
        "hippocampus",
        "",
        "msd_hippocampus",
        "lgmsnet3d.hippocampus",
        own="",
        counts=(5, 10),
        network="lgmsnet3d",
        minutes=10.0,
    ),
)


def part(name: str, split: str, most: int = 0) -> Dataset:
    """A split of a data set, ``name:glob`` for some of it; at most ``most`` cases, spread evenly."""
    folder, _, glob = name.partition(":")
    found = read_dataset(DATA / folder, split)
    chosen = [c for c in found.cases if Path(c.name).match(glob or "*")]
    if most and len(chosen) > most:
        chosen = [chosen[i] for i in np.linspace(0, len(chosen) - 1, most).round().astype(int)]
    return replace(found, cases=tuple(chosen))


def dice(answer: Answer, dataset: Dataset) -> float:
    """Mean per-image Dice at the original size."""
    return scored(answer, dataset, surfaces=False).summary().dice


def by_name(bundle: ModelBundle, dataset: Dataset) -> Answer:
    """A bundle's answer in a data set's class numbers: by name, else its first label as the first class."""
    model, names = OnnxModel(bundle), [entry.name.casefold() for entry in bundle.card.labels]
    table = np.zeros(len(names) + 1, np.uint8)
    known = [names.index(c.casefold()) if c.casefold() in names else None for c in dataset.classes]
    if not any(at is not None for at in known):
        known[0] = 0
    for number, at in enumerate(known, start=1):
        if at is not None:
            table[at + 1] = number
    return lambda voxels: table[labels_at(model.volume_probability(voxels), 0.5)]


def order_of(task: Task, count: int, minutes: float, seed: int, threads: int = 2) -> TeachOrder:
    """``count`` cases of the train part, taught to the task's parent."""
    order = order_from_dataset(DATA / task.data, "train", task.glob)
    parent = None if task.network else parent_of(task, minutes)
    settings = Settings(
        minutes=task.minutes or minutes,
        seed=seed,
        threads=threads,
        network=task.network or Settings().network,
    )
    cases = drawn(order.cases, count, seed)
    return replace(order, cases=cases, parent=parent, in_use=parent, settings=settings)


def parent_of(task: Task, minutes: float) -> ModelBundle:
    """The bundled model of that name; "drive" is taught here, once, from the nuclei model and DRIVE alone.

    It stands for a model that shipped: it holds no other, and its card tells how its pictures look.
    """
    if task.parent != "drive":
        return Catalogue().resolve(task.parent)
    folder, drive = OUT / "repsegnet.drive", "retina_vessels:drive_*"
    if not folder.exists():
        start = Catalogue().resolve("repsegnet.nuclei")
        order = order_from_dataset(DATA / task.data, "train", "drive_*")
        settings = Settings(minutes=2 * minutes)
        LocalTeacher(by_steps(DRIVE_STEPS)).teach(
            replace(order, parent=start, in_use=None, settings=settings), folder, Unhurried(), print_phase
        )
    taught = open_bundle(folder)
    looks = looks_of_set(part(drive, "train"), taught.card.preprocessing)
    return replace(taught, card=replace(taught.card, known="", looks=looks))


def print_phase(at: object) -> None:
    """Nothing: a lesson's progress is not part of the table."""


def by_steps(steps: int) -> School:
    """The product's school, by steps instead of the clock: ``steps`` for the whole time of an order."""
    from featherseg_engines.teaching.learn import Budget, learn
    from featherseg_engines.teaching.lesson import budget_s

    def learnt(
        cases: Sequence[TaughtCase],
        order: TeachOrder,
        seconds: float,
        control: Control,
        listen: Listen,
        aids: Aids,
    ) -> Learnt:
        share = seconds / budget_s(order)
        budget = Budget(1e9, steps=max(1, round(steps * share)))
        return learn(cases, order, budget, control, listen, aids)

    return School(learnt, standard_school().export)  # type: ignore[arg-type]


def ours(order: TeachOrder, dev: Dataset, folder: Path, steps: int = 0) -> dict[str, object]:
    """The product's way: Dice on dev, and what the gate said; the candidate stays in ``folder``."""
    started = time.monotonic()
    school = by_steps(steps) if steps else None
    outcome = LocalTeacher(school).teach(order, folder, Unhurried(), print_phase)
    verdict = outcome.verdict
    return {
        "after": dice(by_name(outcome.candidate, dev), dev),
        "candidate": folder.name,
        "seconds": float("nan") if steps else time.monotonic() - started,
        "steps": outcome.candidate.card.training.settings["steps"],
        "decision": verdict.decision,
        "gate": [verdict.parent_dice, verdict.candidate_dice],
    }


def plain(order: TeachOrder, dev: Dataset, minutes: float) -> dict[str, object]:
    """All weights in the paper's form, Adam at the paper's rate, whole images at the parent's size; the same time."""
    import torch

    from featherseg_engines.errors import Cancelled
    from featherseg_engines.networks.registry import default_registry
    from featherseg_engines.teaching.classes import outputs_of
    from featherseg_engines.teaching.pupil import pupil
    from featherseg_engines.training.checkpoint import load_weights
    from featherseg_engines.training.feeds import BlockFeed, SliceFeed
    from featherseg_engines.training.measuring import answer_of
    from featherseg_engines.training.plan import Plan, Stage
    from featherseg_engines.training.samples import Slice, scaled_samples
    from featherseg_engines.training.trainer import Trainer

    assert order.parent is not None
    pre, card = order.parent.card.preprocessing, order.parent.card
    numbers = list(range(len(order.classes) + 1))  # of the network's outputs, in the person's classes
    if card.training.settings.get("form", "full") == "full":
        network = default_registry().build(card.network, in_channels=3, classes=len(order.classes) + 1)
        load_weights(network, order.parent.weights)
        targets = [c.labels[0] for c in order.cases]
    else:  # taught before, perhaps with more outputs than the person has classes
        outputs = outputs_of(order)
        network = pupil(order.parent, outputs, default_registry())
        targets = [outputs.targets(c.labels[0]) for c in order.cases]
        numbers = [0] * (len(outputs.labels) + 1)
        for number, output in enumerate(outputs.of_person, start=1):
            numbers[output] = number
    side = pre.long_side or pre.patch[0] // 2
    plan = Plan(
        stages=(Stage(side, 10**6),),
        optimizer="adam",
        weight_decay=0.0,
        schedule="constant",
        ema_decay=0.0,
        patience=10**6,  # nothing is judged meanwhile; only the time ends it
    )
    slices = [Slice(c.name, c.voxels[0], t) for c, t in zip(order.cases, targets, strict=True)]
    feed = (
        BlockFeed(scaled_samples(slices, pre), pre.patch, plan)
        if pre.patch
        else SliceFeed(
            lambda size: scaled_samples(slices, replace(pre, long_side=size)),
            pre.stride,
            plan.batch,
            plan.seed,
        )
    )
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (pre.mean, pre.std))
    until = time.monotonic() + 60 * minutes
    trainer = Trainer(network, plan, feed, lambda x: (x - mean) / std, lambda *_: 0.0)
    steps = [0]

    def over() -> bool:
        steps[0] += 1
        return time.monotonic() > until

    with contextlib.suppress(Cancelled):
        trainer.run(cancelled=over)
    network.eval()
    answer, table = answer_of(network, pre), np.array(numbers, np.uint8)
    return {"after": dice(lambda voxels: table[answer(voxels)], dev), "steps": steps[0]}


def forest(order: TeachOrder, dev: Dataset) -> dict[str, object]:
    """scikit-image's trainable segmentation as its gallery sets it up: 50 trees of depth 10, 5 % of pixels each."""
    from skimage.feature import multiscale_basic_features
    from skimage.future import fit_segmenter, predict_segmenter
    from sklearn.ensemble import RandomForestClassifier

    def features(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        colour = {"channel_axis": -1} if pixels.ndim == 3 else {}
        found = multiscale_basic_features(pixels, sigma_min=1, sigma_max=16, workers=2, **colour)
        return np.asarray(found, np.float32)

    rng, seen, truth = np.random.default_rng(0), [], []
    for case in order.cases:
        found = features(rgb(case.voxels[0])).reshape(-1, features(rgb(case.voxels[0])[:8, :8]).shape[-1])
        chosen = rng.permutation(len(found))[: 60_000 // len(order.cases) * 5]
        seen.append(found[chosen])
        truth.append(case.labels[0].reshape(-1)[chosen].astype(np.int64) + 1)
    trees = RandomForestClassifier(n_estimators=50, n_jobs=2, max_depth=10, max_samples=0.05, random_state=0)
    trained = fit_segmenter(np.concatenate(truth)[None], np.concatenate(seen)[None], trees)
    return {
        "after": dice(
            lambda voxels: np.stack(
                [np.asarray(predict_segmenter(features(rgb(s)), trained) - 1, np.uint8) for s in voxels]
            ),
            dev,
        )
    }


def rgb(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """A slice as colour, so that all images of a set have the same features."""
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def before(order: TeachOrder, dev: Dataset) -> dict[str, object]:
    """What the parent knows; nothing where there is none."""
    return {"dice": 0.0 if order.parent is None else dice(by_name(order.parent, dev), dev)}


def forgotten(task: Task, order: TeachOrder, candidate: str) -> dict[str, object]:
    """What parent and candidate know of the parent's own task, on more images: one of 40 would be 0.02 by itself."""
    own = part(task.own, "dev", OWN)
    assert order.parent is not None
    return {
        "before": dice(by_name(order.parent, own), own),
        "after": dice(by_name(open_bundle(OUT / candidate), own), own),
    }


def row(task: Task, count: int, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """One line of the table; what is there already is not made again."""
    OUT.mkdir(parents=True, exist_ok=True)
    steps, other = (f"_{options.steps}" if options.steps else ""), (f"_s{seed}" if seed != SEED else "")
    kept = OUT / f"{task.name}_{count}{steps}{other}.json"
    found: dict[str, dict[str, object]] = json.loads(kept.read_text()) if kept.exists() else {}
    order = order_of(task, count, options.minutes, seed, options.threads)
    dev = part(f"{task.data}:{task.glob}", "dev", options.dev)
    works: dict[str, Callable[[], dict[str, object]]] = {
        "before": lambda: before(order, dev),
        "whole": lambda: {"dice": dice(by_name(Catalogue().resolve(task.whole), dev), dev)},
        "ours": lambda: ours(
            order, dev, OUT / f"{task.name}_{count}{other}_{int(time.time())}", options.steps
        ),
        "own": lambda: forgotten(task, order, str(found["ours"]["candidate"])),
        "plain": lambda: plain(order, dev, options.minutes),
        "forest": lambda: forest(order, dev),
    }
    if task.network:
        works = {name: works[name] for name in ("before", "whole", "ours")}
    for name, work in works.items():
        wanted = name in ("before", "whole") or options.only in ("", name)
        if name not in found and (wanted or (name == "own" and "ours" in found)):
            found[name] = work()
            kept.write_text(json.dumps(found, indent=1))
            print(f"  {task.name} {count} {name}: {found[name]}", file=sys.stderr, flush=True)
    return found


def line(task: Task, count: int, found: dict[str, dict[str, float]]) -> str:
    """A row in Markdown."""
    before, whole, mine = found["before"], found["whole"], found.get("ours", {})
    after = mine.get("after", float("nan"))
    gap = whole["dice"] - before["dice"]
    closed = f"{(after - before['dice']) / gap:.0%}" if gap > 0.02 else "-"
    own = f"{found['own']['before']:.3f} -> {found['own']['after']:.3f}" if "own" in found else "-"
    cells = [
        f"{task.parent.removeprefix('repsegnet.') or 'nothing'} -> {task.name}",
        str(count),
        f"{before['dice']:.3f}",
        f"**{after:.3f}**",
        f"{whole['dice']:.3f}",
        closed,
        f"{mine.get('seconds', float('nan')):.0f}",
        *(f"{found[k]['after']:.3f}" if k in found else "-" for k in ("plain", "forest")),
        own,
        str(mine.get("decision", "-")),
    ]
    return "| " + " | ".join(cells) + " |"


def over_seeds(found: Sequence[dict[str, dict[str, float]]]) -> str:
    """Mean, lowest and highest of what several seeds gave."""
    told = []
    for way in ("ours", "own", "plain", "forest"):
        values = [one[way]["after"] for one in found if way in one]
        if len(values) == len(found):
            said = "the parent's own task" if way == "own" else way
            told.append(f"{said} {np.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]")
    decisions = [str(one.get("ours", {}).get("decision", "-")) for one in found]
    return f"  over {len(found)} seeds: {'; '.join(told)}; gate {', '.join(decisions)}"


def main(words: list[str]) -> int:
    """Make the rows that are missing and print the table."""
    parser = argparse.ArgumentParser(prog="bench teach", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one row only")
    parser.add_argument("--cases", type=int, default=0, help="only rows of so many cases")
    parser.add_argument("--tasks", default="", help="only these, with commas")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--dev", type=int, default=40, help="dev images, at most")
    parser.add_argument("--seeds", default=str(SEED), help="with commas; each draws other cases")
    parser.add_argument("--only", default="", help="ours, plain or forest")
    parser.add_argument("--steps", type=int, default=0, help="of our lessons, in place of their time")
    parser.add_argument("--threads", type=int, default=2, help="of our lessons")
    options = parser.parse_args(words)
    if not DATA.is_dir():
        print("The shared data are not here; this benchmark needs them.")
        return 0
    chosen = [t for t in TASKS if not options.tasks or t.name in options.tasks.split(",")]
    rows = [(t, n) for t in chosen for n in t.counts if options.cases in (0, n)]
    rows.sort(key=lambda r: r[1] != 10)
    print(
        f"{options.minutes:g} minutes of learning, at most {options.dev} dev images, seeds {options.seeds}\n\n"
        "| parent -> task | cases | before | after | whole train part | of the gap | s | plain | forest "
        "| own task | gate |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    seeds = [int(seed) for seed in options.seeds.split(",")]
    for task, count in rows[:1] if options.quick else rows:
        found = []
        for seed in seeds:
            found.append(row(task, count, seed, options))
            print(line(task, count, found[-1]), flush=True)  # type: ignore[arg-type]
        if len(seeds) > 1:
            print(over_seeds(found), flush=True)  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
