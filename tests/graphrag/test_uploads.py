"""Uploaded files wait under tenant and hash, whatever they are called."""

import errno
import hashlib
import os
import resource
import stat
import time
from pathlib import Path

import pytest

from graphrag.errors import InputError, NotFoundError, StoreError
from graphrag.uploads import Uploads


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_a_file_is_kept_under_its_tenant_and_hash_and_read_again(tmp_path: Path):
    uploads = Uploads(tmp_path / "new")

    sha256 = uploads.put("acme", b"text")

    assert sha256 == hashlib.sha256(b"text").hexdigest()
    assert [path.relative_to(uploads.folder) for path in uploads.folder.rglob("*") if path.is_file()] == [
        Path("acme") / sha256
    ]
    assert uploads.read("acme", sha256) == b"text"
    assert uploads.put("acme", b"text") == sha256
    assert len(list((uploads.folder / "acme").iterdir())) == 1


def test_a_file_of_one_tenant_is_not_read_by_another(tmp_path: Path):
    uploads = Uploads(tmp_path)
    sha256 = uploads.put("acme", b"text")

    with pytest.raises(NotFoundError, match="upload it again"):
        uploads.read("rival", sha256)


@pytest.mark.parametrize("name", ["", "../acme", "x" * 64, "a" * 63, "/etc/passwd"])
def test_what_is_no_hash_is_no_file(tmp_path: Path, name: str):
    with pytest.raises(InputError):
        Uploads(tmp_path).read("acme", name)


def test_what_is_no_tenant_has_no_folder(tmp_path: Path):
    for tenant in ("..", "", "a/b"):
        with pytest.raises(InputError):
            Uploads(tmp_path).put(tenant, b"text")
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_file_leaves_nothing(tmp_path: Path):
    upload = Uploads(tmp_path).begin("acme")
    upload.write(b"te")

    upload.discard()

    assert list((tmp_path / "acme").iterdir()) == []


def test_what_a_full_disk_does_not_take_leaves_nothing(tmp_path: Path):
    upload = Uploads(tmp_path).begin("acme")
    upload.write(b"text")  # still in the buffer
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StoreError, match="free space there"):
            upload.close()
        upload.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list((tmp_path / "acme").iterdir()) == []


def test_a_closed_file_is_kept_once_it_is_finished(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload = uploads.begin("acme")
    upload.write(b"text")

    sha256 = upload.close()
    with pytest.raises(NotFoundError):
        uploads.read("acme", sha256)

    assert upload.finish() == sha256
    assert uploads.read("acme", sha256) == b"text"


@pytest.mark.skipif(os.name != "posix", reason="folders cannot be opened there")
@pytest.mark.parametrize("refusal", [0, errno.EINVAL])
def test_a_finished_file_and_the_folders_to_it_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
):
    synced: list[tuple[int, list[str]]] = []
    sync, folder = os.fsync, tmp_path / "new" / "acme"

    def noting(file: int) -> None:
        synced.append((os.fstat(file).st_ino, [path.name for path in folder.iterdir()]))
        if refusal and stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(refusal, "some network file systems do so")
        sync(file)

    monkeypatch.setattr(os, "fsync", noting)

    sha256 = Uploads(tmp_path / "new").put("acme", b"text")

    content, last = [ino for ino, _ in synced].index((folder / sha256).stat().st_ino), len(synced) - 1
    assert synced[last] == (folder.stat().st_ino, [sha256])
    assert content < last
    assert {ino for ino, _ in synced[:content]} == {path.stat().st_ino for path in (tmp_path, tmp_path / "new")}

    Uploads(tmp_path / "new").put("acme", b"other text")
    assert len(synced) == last + 3, "and folders that were there are left alone"


def test_a_sweep_deletes_old_files_that_nobody_waits_for(tmp_path: Path):
    uploads = Uploads(tmp_path)
    old, kept, new = (uploads.put("acme", data) for data in (b"old", b"kept", b"new"))
    partial = tmp_path / "acme" / ".partial-x"
    foreign = tmp_path / "acme" / "README"
    for path in (partial, foreign):
        path.write_bytes(b"x")
    for path in (tmp_path / "acme" / old, tmp_path / "acme" / kept, partial, foreign):
        age(path, 100)

    assert uploads.sweep(50, {("acme", kept)}) == 2

    assert sorted(path.name for path in (tmp_path / "acme").iterdir()) == sorted(["README", kept, new])


def test_a_file_that_comes_again_begins_a_new_life(tmp_path: Path):
    uploads = Uploads(tmp_path)
    sha256 = uploads.put("acme", b"text")
    age(tmp_path / "acme" / sha256, 100)

    uploads.put("acme", b"text")

    assert uploads.sweep(50, set()) == 0


def test_tenants_are_folders_with_their_names(tmp_path: Path):
    uploads = Uploads(tmp_path)
    uploads.put("acme", b"text")
    (tmp_path / "lost+found").mkdir()

    assert uploads.tenants() == ["acme"]
    assert Uploads(tmp_path / "nothing").tenants() == []
    assert Uploads(tmp_path / "nothing").sweep(0, set()) == 0


def test_a_disk_that_refuses_is_a_store_error(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StoreError, match="GRAPHRAG_DATA_DIR"):
        Uploads(tmp_path / "file").put("acme", b"text")
