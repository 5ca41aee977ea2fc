"""What ships for a first look: complete, credited, with a model that exists; a copy to work on."""

import pytest

from featherseg.session.samples import bundled_samples, own_copy, where_to_save
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.models.catalogue import Catalogue

SAMPLES = bundled_samples()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.title)
def test_every_sample_can_be_read_is_credited_and_has_a_model_for_its_kind(sample):
    depths = {read_image(image).geometry.shape[0] for image in sample.images}
    card = Catalogue().resolve(sample.model).card
    assert sample.credit and sample.licence.startswith("CC") and sample.picture.is_file()
    assert (card.dims == 3) == (depths != {1})


def test_there_is_a_folder_to_teach_from_with_enough_masks_for_a_lesson():
    sample = next(s for s in SAMPLES if s.several)
    assert len(sample.images) == 12 and len(sample.masks) == 8
    assert {m.stem for m in sample.masks} < {i.stem for i in sample.images}


def test_a_copy_is_made_once_and_what_a_person_did_in_it_stays(tmp_path):
    sample = next(s for s in SAMPLES if s.several)
    place = own_copy(sample, tmp_path / "Eigene Bilder ü")
    (place / "mine.txt").write_text("kept", "utf-8")
    first = sorted(place.iterdir())[0]
    first.write_bytes(b"changed by hand")
    again = own_copy(sample, tmp_path / "Eigene Bilder ü")
    assert again == place and (place / "mine.txt").exists() and first.read_bytes() == b"changed by hand"
    assert len(list(place.glob("*.jpg"))) == 12


def test_where_nothing_can_be_written_one_sentence_says_so(tmp_path):
    blocked = tmp_path / "a file, no folder"
    blocked.write_text("", "utf-8")
    with pytest.raises(WriteError, match="cannot be copied"):
        own_copy(next(s for s in SAMPLES if s.several), blocked)


def test_a_mask_goes_beside_its_image_but_not_into_the_programs_own_folder(tmp_path, monkeypatch):
    documents = tmp_path / "Dokumente ü"
    monkeypatch.setattr("featherseg.session.samples.user_documents_path", lambda: documents)
    beside = tmp_path / "scan_mask.png"
    assert where_to_save(beside) == beside
    assert where_to_save(SAMPLES[0].path.with_name("naevus_mask.png")) == documents / "naevus_mask.png"


def test_a_mask_of_an_image_on_a_read_only_disk_goes_to_the_documents(tmp_path, monkeypatch):
    monkeypatch.setattr("featherseg.session.samples.user_documents_path", lambda: tmp_path / "Documents")
    monkeypatch.setattr("featherseg.session.samples.os.access", lambda place, kind: False)
    assert where_to_save(tmp_path / "scan_mask.png") == tmp_path / "Documents" / "scan_mask.png"
