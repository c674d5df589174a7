import hashlib
from pathlib import Path

from datasets.io.file_digest import compute_sha256


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content := bytes(range(256)) * 1000)
    assert compute_sha256(file) == hashlib.sha256(content).hexdigest()
