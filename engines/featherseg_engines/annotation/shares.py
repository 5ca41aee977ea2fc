"""Whether a folder lies on a network share, where SQLite's write-ahead log is not safe."""

from pathlib import Path

REMOTE = frozenset(
    (
        *(
            "nfs",
            "nfs4",
            "cifs",
            "smb",
            "smb2",
            "smb3",
            "smbfs",
            "afpfs",
            "afs",
            "webdav",
            "davfs",
            "ncpfs",
            "9p",
        ),
        *("ceph", "glusterfs", "beegfs", "lustre", "gpfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "drvfs"),
        *("fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.rclone", "fuse.s3fs"),
    )
)
"""File systems without shared memory between computers (https://www.sqlite.org/wal.html, "Overview")."""


def on_network_share(folder: Path) -> bool:
    """Whether ``folder`` (which exists) is on a file system of another computer; False where nobody can say."""
    import psutil

    real = folder.resolve()
    if str(real).startswith("\\\\"):
        return True
    best, remote = -1, False
    for part in psutil.disk_partitions(all=True):
        mount = Path(part.mountpoint)
        if real.is_relative_to(mount) and len(mount.parts) >= best:
            best = len(mount.parts)
            remote = part.fstype.lower() in REMOTE or "remote" in part.opts.split(",")
    return remote
