"""Who ends first: arrays, threads, interpreter, JVM. Nobody crashes, hangs or frees twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import endings

HERE = Path(__file__).parent


@pytest.mark.parametrize("program", endings.PROGRAMS)
def test_process_ends_by_itself_without_a_crash(program, tmp_path):
    path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "main" / "python")])
    ended = subprocess.run(
        [sys.executable, str(HERE / "endings.py"), program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=2 * endings.PATIENCE_SECONDS,
        check=False,
    )
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output
    assert ended.stdout.splitlines()[-1:] == ["done"], output
    assert not list(tmp_path.glob("hs_err*")), output
    assert "Traceback" not in output
    assert "Exception ignored" not in output
