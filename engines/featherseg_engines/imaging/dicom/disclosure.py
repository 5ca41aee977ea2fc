"""What of the patient leaves with a file: whether it is de-identified, and how its identifiers are replaced."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field

STANDARD_ROOT = "1.2.840.10008."
"""UIDs below this root are DICOM's own (classes, transfer syntaxes) and name nobody (PS3.5, chapter 9)."""


@dataclass(frozen=True, slots=True)
class UidMap:
    """Replaces UIDs, the same one always by the same one, as long as the salt is the same.

    Everything that goes out together (images, masks, contours) is given one map, so that it still refers to
    each other. Without the salt nobody can find the old UID, and two exports cannot be joined.
    """

    salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def new(self, uid: str) -> str:
        """The UID that stands for ``uid`` (below the root 2.25, PS3.5 section B.2); DICOM's own stay."""
        if not uid or uid.startswith(STANDARD_ROOT):
            return uid
        digest = hashlib.sha256(self.salt + uid.encode()).digest()
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"

    def pseudonym(self, patient_id: str) -> str:
        """A name without meaning that tells the patients of one export apart."""
        return "ANON-" + hashlib.sha256(self.salt + b"patient" + patient_id.encode()).hexdigest()[:12].upper()


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a file made from DICOM images says about the patient.

    Parameters
    ----------
    deidentified
        Nothing that PS3.15's basic profile removes is taken over from the images: no name, number, date.
    uids
        None: references keep the UIDs of the images, so that the file finds them where they are (the profile's
        "Retain UIDs" option). A map: all UIDs are replaced by it; give the images out through the same map.
    """

    deidentified: bool = True
    uids: UidMap | None = None

    def __post_init__(self) -> None:
        """Refuse to replace UIDs beside a name that stays."""
        if self.uids is not None and not self.deidentified:
            raise ValueError("UIDs are replaced only where the file is de-identified")


DEIDENTIFIED = Disclosure()
"""The default for all that leaves: de-identified, the references kept."""
