"""Pixels of real and made DICOM files: transfer syntaxes, colours, tables, bit depths; and what is refused."""

import os
import subprocess
import sys
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless
from support.dicom import save, slice_dataset
from support.paths import DATA

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.dicom.codestream import coded_size
from featherseg_engines.imaging.readers import read_image

REAL = DATA / "dicom"


def ramp(shape, dtype=np.int16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "low", "high"),
    [
        ("dcmqi__mf.dcm", (3, 38, 23), np.uint16, 0, 1),
        ("highdicom__seg_image_ct_binary.dcm", (3, 16, 16), np.uint8, 0, 1),
        ("highdicom__sm_image_jpegls.dcm", (25, 10, 10, 3), np.uint8, 195, 255),
        ("pydicom-data__liver_deflate.dcm", (3, 512, 512), np.uint8, 0, 1),
        ("pydicom__ExplVR_BigEnd.dcm", (1, 60, 80, 3), np.uint8, 0, 255),
        ("pydicom__JPEGLSNearLossless_16.dcm", (1, 50, 10), np.uint16, 0, 65535),
        ("pydicom__JPGExtended.dcm", (1, 1024, 256), np.uint16, 0, 264),
        ("pydicom__MR_small_RLE.dcm", (1, 64, 64), np.int16, 127, 2145),
        ("pydicom__MR_small_expb.dcm", (1, 64, 64), np.int16, 127, 2145),
        ("pydicom__MR_small_jp2klossless.dcm", (1, 64, 64), np.int16, 127, 2145),
        ("pydicom__SC_rgb_dcmtk_+eb+cy+s2.dcm", (1, 100, 100, 3), np.uint8, 0, 255),
        ("pydicom__SC_rgb_jpeg_gdcm.dcm", (1, 100, 100, 3), np.uint8, 0, 255),
        ("pydicom__SC_rgb_rle_2frame.dcm", (2, 100, 100, 3), np.uint8, 0, 255),
        ("pydicom__rtdose_1frame.dcm", (1, 10, 10), np.float32, 0.795, 1.254),
    ],
)
def test_real_files_of_many_transfer_syntaxes_open(name, shape, dtype, low, high):
    volume = read_image(REAL / name)
    assert volume.voxels.shape == shape and volume.voxels.dtype == dtype
    assert (volume.voxels.min(), volume.voxels.max()) == pytest.approx((low, high), rel=1e-6)
    assert not volume.voxels.flags.writeable


def test_one_image_packed_in_three_ways_is_one_image():
    names = ("pydicom__MR_small_RLE.dcm", "pydicom__MR_small_expb.dcm", "pydicom__MR_small_jp2klossless.dcm")
    first, *others = [read_image(REAL / name) for name in names]
    for other in others:
        assert np.array_equal(other.voxels, first.voxels) and other.geometry == first.geometry
        assert other.windows == first.windows


def test_ybr_becomes_red_green_blue():
    colours = read_image(REAL / "pydicom__SC_rgb_dcmtk_+eb+cy+s2.dcm").voxels[0]
    lossless = read_image(REAL / "pydicom__SC_rgb_jpeg_gdcm.dcm").voxels[0]
    assert np.abs(colours.astype(int) - lossless).mean() < 12
    assert colours[5, 50].argmax() == 0  # the top stripe is red


@pytest.mark.parametrize(
    ("bits", "high", "signed"), [(12, 11, False), (12, 11, True), (10, 13, False), (10, 13, True)]
)
def test_unusual_bit_depths_give_the_stored_values(tmp_path, bits, high, signed):
    low = -(1 << (bits - 1)) if signed else 0
    values = (low + np.arange(64) * ((1 << bits) // 64)).reshape(8, 8)
    raw = ((values & ((1 << bits) - 1)) << (high + 1 - bits)).astype(np.uint16)
    raw |= np.uint16(0x8000) if high < 15 else np.uint16(0)  # an old overlay in the unused bits
    dataset = slice_dataset(raw, BitsStored=bits, HighBit=high, PixelRepresentation=int(signed))
    assert np.array_equal(read_image(save(dataset, tmp_path / "d")).voxels[0], values)


def test_monochrome1_is_inverted_with_its_window_where_values_mean_nothing(tmp_path):
    pixels = ramp((16, 16), np.uint8)
    tags = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 40, "WindowWidth": 80}
    volume = read_image(save(slice_dataset(pixels, Modality="DX", **tags), tmp_path / "dx"))
    assert np.array_equal(volume.voxels[0], 255 - pixels) and "inverted" in volume.warnings[-1]
    assert volume.windows[0].centre == 215 and volume.windows[0].width == 80
    pet = read_image(save(slice_dataset(pixels, Modality="PT", **tags), tmp_path / "pt"))
    assert np.array_equal(pet.voxels[0], pixels) and pet.windows[0].centre == 40


def test_a_modality_table_gives_its_values(tmp_path):
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [16, 0, 16], "US"
    table.LUTData = (np.arange(16, dtype=np.uint16) ** 2 * 10).tobytes()
    table["LUTData"].VR = "OW"
    pixels = ramp((4, 4), np.uint8)
    dataset = slice_dataset(pixels, ModalityLUTSequence=Sequence([table]))
    assert np.array_equal(read_image(save(dataset, tmp_path / "lut")).voxels[0], pixels.astype(int) ** 2 * 10)


def test_a_table_of_grey_values_is_offered_as_a_window(tmp_path):
    table = Dataset()
    table.LUTDescriptor, table.LUTExplanation = [100, 50, 16], "BONE"
    table.LUTData = np.arange(100, dtype=np.uint16).tobytes()
    table["LUTData"].VR = "OW"
    dataset = slice_dataset(ramp((4, 4), np.uint16), VOILUTSequence=Sequence([table]))
    (window,) = read_image(save(dataset, tmp_path / "voi")).windows
    assert (window.centre, window.width, window.name) == (100, 100, "BONE")


def test_a_palette_becomes_colours(tmp_path):
    dataset = slice_dataset(ramp((16, 16), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for i, colour in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        values = (np.roll(np.arange(256), 50 * i) << 8).astype(np.uint16).tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", values)
    colours = read_image(save(dataset, tmp_path / "palette")).voxels[0]
    assert colours.shape == (16, 16, 3) and colours.dtype == np.uint8
    assert colours[0, 0].tolist() == [0, 206, 156]


def test_float_pixels_come_as_they_are(tmp_path):
    values = np.linspace(-1, 1, 30, dtype=np.float32).reshape(5, 6)
    dataset = slice_dataset(
        values, PixelData=None, BitsStored=None, HighBit=None, PixelRepresentation=None,
        FloatPixelData=values.tobytes(),
    )  # fmt: skip
    assert np.array_equal(read_image(save(dataset, tmp_path / "f")).voxels[0], values)


def test_a_deflated_file_opens_and_a_deflate_bomb_does_not(tmp_path):
    dataset = slice_dataset(ramp((6, 7)))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(dataset, tmp_path / "deflated")
    assert np.array_equal(read_image(path).voxels[0], ramp((6, 7)))
    head = path.read_bytes()
    start = head.find(b"\x02\x00\x00\x00UL\x04\x00")
    end = start + 12 + int.from_bytes(head[start + 8 : start + 12], "little")
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(engine.compress(b"\0" * (1 << 24)) for _ in range(40)) + engine.flush()
    bomb = tmp_path / "bomb"
    bomb.write_bytes(head[:end] + packed)
    with pytest.raises(ReadError, match="unfolds to more than 512 MB"):
        read_image(bomb)


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"Rows": 5000, "Columns": 5000}, "is cut off"),
        ({"Rows": 65535, "Columns": 65535}, "more than is read"),
        ({"NumberOfFrames": 2000000000}, "more than it has bytes"),
        ({"BitsStored": 33}, "cannot be"),
        ({"SamplesPerPixel": 4}, "4 channels"),
        ({"PixelData": None}, "holds no image"),
    ],
)
def test_headers_that_contradict_their_file_are_refused_before_memory_is_taken(tmp_path, tags, sentence):
    path = save(slice_dataset(ramp((8, 8)), **tags), tmp_path / "bad")
    with pytest.raises(ReadError, match=sentence):
        read_image(path)


def test_a_compressed_frame_of_another_size_than_the_header_says_is_refused(tmp_path):
    dataset = pydicom.dcmread(REAL / "pydicom__MR_small_jp2klossless.dcm")
    dataset.Rows = 32
    assert dataset.file_meta.TransferSyntaxUID == JPEG2000Lossless
    with pytest.raises(ReadError, match="compressed frame has 64 x 64 pixels and the header says 64 x 32"):
        read_image(save(dataset, tmp_path / "other"))


def test_sizes_are_read_from_the_codestreams():
    siz = b"\xff\x4f\xff\x51\x00\x29\x00\x00" + b"".join(n.to_bytes(4, "big") for n in (70, 50, 10, 5))
    assert coded_size(siz) == (45, 60)
    assert coded_size(b"\xff\xd8\xff\xe0\x00\x04xx\xff\xc3\x00\x0b\x10\x00\x20\x00\x30\x01") == (32, 48)
    assert coded_size(b"\xff\xd8\xff\xda") is None and coded_size(b"") is None


def test_decoders_say_nothing_on_the_terminal():
    code = f"""
from pathlib import Path
from featherseg_engines.imaging.readers import read_image
for path in sorted(Path({str(REAL)!r}).glob("pydicom*.dcm")):
    read_image(path)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, timeout=120
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
