"""Where small real data lies, and the larger shared data where it is there."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
TINY = DATA / "isic_tiny"
SHARED = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "resources" / "featherseg_resources" / "samples" / "skin_lesion.jpg"
