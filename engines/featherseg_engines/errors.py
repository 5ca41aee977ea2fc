"""What can go wrong in the world, each with one sentence for the person in front of the screen.

::

    FeathersegError
    ├── ReadError             a file is missing, damaged or of a kind that is not read
    ├── WriteError            a target cannot be written; what was there before is untouched
    │   ├── JournalError      an edit could not be recorded; it lives in memory only and is "not saved"
    │   └── WorkspaceBusy     another program has the workspace open; it can be opened read-only
    ├── ModelError            a model bundle is missing, damaged or does not fit its card
    ├── DatasetError          a training or evaluation folder is not laid out as expected
    ├── MissingPackageError   an optional package is not installed
    ├── TrainingError         a training run cannot go on (not a finite loss, no cases)
    └── ToolError             a tool cannot do this here (a locked label, nothing under the cursor)

    Cancelled                 the person (or a newer request) asked to stop; not an error

Mistakes of a programmer stay ``ValueError`` and ``TypeError``.
"""


class FeathersegError(Exception):
    """Base of all errors whose text is one sentence that names the thing, the rule and the remedy."""


class ReadError(FeathersegError):
    """A file could not be read."""


class WriteError(FeathersegError):
    """A file could not be written; whatever stood at the target before still stands there."""


class JournalError(WriteError):
    """An edit could not be recorded on the disk; it stays in memory and is tried again with the next one."""


class WorkspaceBusy(WriteError):
    """Another program has the workspace open."""


class ModelError(FeathersegError):
    """A model bundle is missing, damaged or does not fit its card."""


class DatasetError(FeathersegError):
    """A folder of images and masks is not laid out as expected."""


class MissingPackageError(FeathersegError):
    """An optional package is needed for this and is not installed."""


class TrainingError(FeathersegError):
    """A training run cannot start or go on."""


class ToolError(FeathersegError):
    """A tool cannot do what was asked with these labels."""


class Cancelled(Exception):
    """Work was stopped on request. Never shown as an error."""
