"""Change bytes in the headers of real and made images and read them: ``python fuzz_readers.py [SECONDS] [SEED]``.

Hypothesis chooses the changes. Each file must open or be refused with one sentence, within 5 seconds of work and
2 GB; anything else ends the run with the changes that did it. The case under way lies in a file, so that a crash of
a C library leaves it behind.
"""

import faulthandler
import io
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / name) for name in ("engines", "tests")]

from featherseg_engines.errors import FeathersegError  # noqa: E402
from featherseg_engines.geometry import Geometry  # noqa: E402
from featherseg_engines.imaging.readers import read_image  # noqa: E402
from featherseg_engines.imaging.volume import Volume  # noqa: E402
from featherseg_engines.imaging.volume_writer import write_volume  # noqa: E402

HEADER = 1600
SHORT = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x20, 0x2D, 0x39)
WIDE = (
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\0\0\0\0",
    b"\xff\xff",
    b"\x00\x80",
    b"99999999",
    b"-1",
)


class TooLong(BaseException):
    """A reading took more than 5 seconds of work."""


def samples() -> dict[str, bytes]:
    """Small valid files of every kind, by a name with their ending."""
    found = {path.name: path.read_bytes() for path in sorted((ROOT / "tests/data/dicom").glob("*.dcm"))}
    with tempfile.TemporaryDirectory() as folder:
        grey = np.arange(2 * 8 * 9, dtype=np.uint16).reshape(2, 8, 9)
        volume = Volume(grey, Geometry(grey.shape, (2.0, 0.5, 0.5)))
        for name in ("a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.tif"):
            write_volume(Path(folder, name), volume)
            found[name] = Path(folder, name).read_bytes()
    from PIL import Image

    colours = Image.fromarray(np.arange(12 * 10 * 3, dtype=np.uint8).reshape(12, 10, 3))
    for kind in ("png", "jpeg", "bmp", "tiff"):
        file = io.BytesIO()
        colours.save(file, kind)
        found[f"c.{kind}"] = file.getvalue()
    return found


SAMPLES = samples()
changes = st.lists(
    st.tuples(
        st.integers(0, HEADER),
        st.one_of(
            st.sampled_from(SHORT).map(lambda v: bytes([v])),
            st.sampled_from(WIDE),
            st.binary(min_size=1, max_size=4),
        ),
    ),
    min_size=1,
    max_size=6,
)


def changed(data: bytes, edits: list[tuple[int, bytes]], cut: float) -> bytes:
    """``data`` with some bytes replaced, and its end cut off where ``cut`` is below 1."""
    raw = bytearray(data)
    for at, value in edits:
        at %= max(1, len(raw) - len(value))
        raw[at : at + len(value)] = value
    return bytes(raw[: int(len(raw) * cut)]) if cut < 1 else bytes(raw)


def check(path: Path) -> None:
    """Read a file: a volume or one sentence."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 5)
    try:
        volume = read_image(path)
        assert volume.voxels.shape[:3] == volume.geometry.shape
    except FeathersegError as error:
        assert "\n" not in str(error) and str(error).endswith("."), str(error)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    assert peak < 2048, f"{peak} MB"


def late(*_: object) -> None:
    """The alarm."""
    raise TooLong


def main(seconds: float, first_seed: int) -> None:
    """Fuzz until the time is over; prints how many files were read."""
    faulthandler.enable()
    signal.signal(signal.SIGVTALRM, late)
    count, end = 0, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:

        @given(
            name=st.sampled_from(sorted(SAMPLES)),
            edits=changes,
            cut=st.sampled_from([1.0] * 7 + [0.9, 0.5, 0.1]),
        )
        @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def one(name: str, edits: list[tuple[int, bytes]], cut: float) -> None:
            nonlocal count
            count += 1
            path = Path(folder, name)
            path.write_bytes(changed(SAMPLES[name], edits, cut))
            Path(tempfile.gettempdir(), "featherseg-fuzz-last").write_bytes(path.read_bytes())
            check(path)

        while time.monotonic() < end:
            seed(first_seed)(one)()
            first_seed += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(f"{count} files, peak {peak} MB, seeds up to {first_seed}\n")


if __name__ == "__main__":
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    main(limit, int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6))
