"""How long a CT series of 512 x 512 x N takes to open, and how much memory: ``python reading.py [N]``.

Prints one line; run by hand (it writes N files of half a megabyte into a temporary folder).
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("tests", "engines")]
READ = """
import resource, sys, time
from pathlib import Path
import numpy as np
from featherseg_engines.imaging.readers import read_image
start = time.perf_counter()
volume = read_image(Path(sys.argv[1]))
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
mb = volume.voxels.nbytes / 2**20
print(f"{volume.voxels.shape} {volume.voxels.dtype}: {seconds:.1f} s, peak {peak:.0f} MB, "
      f"voxels {mb:.0f} MB, allowed {2.5 * mb + 500:.0f} MB")
"""


def main(slices: int) -> None:
    """Write a series, read it in a fresh process, print what it took."""
    from support.dicom import write_series

    from featherseg_engines.geometry import Geometry

    plane = np.random.default_rng(1).integers(0, 4096, (512, 512)).astype(np.uint16)
    voxels = np.broadcast_to(plane, (slices, 512, 512))
    with tempfile.TemporaryDirectory() as folder:
        tags = {"RescaleSlope": 1, "RescaleIntercept": -1024}
        write_series(Path(folder), voxels, Geometry(voxels.shape, (1.0, 0.7, 0.7)), **tags)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", READ, folder], check=True)
        print(f"with the interpreter's start {time.perf_counter() - start:.1f} s")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
