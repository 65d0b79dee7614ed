"""The Python code of docs/interchange.md runs, in the order of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jvm

pytest.importorskip("pyarrow")

PAGE = jvm.CORE.parent / "docs" / "interchange.md"
# What the page takes for granted: the class path, the flags, and a vector.
GIVEN = """
import os, sys
jars = os.environ["JARS"].split(os.pathsep)
flags = os.environ["FLAGS"].split()
"""
VECTOR = """
import jpype
allocator = jpype.JClass("org.apache.arrow.memory.RootAllocator")()
vector = jpype.JClass("org.apache.arrow.vector.Float4Vector")("price", allocator)
vector.allocateNew(3)
for i in range(3):
    vector.set(i, jpype.JFloat(i + 0.5))
vector.setValueCount(3)
"""


def test_examples_of_the_page_run(tmp_path):
    first, *others = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(others) == 3
    program = tmp_path / "page.py"
    program.write_text("\n".join([GIVEN, first, VECTOR, *others, "print('done')"]))
    ended = subprocess.run(
        [sys.executable, str(program)],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2] / "main" / "python"),
            "JARS": (jvm.CORE / "target" / "test-classpath").read_text().strip(),
            "FLAGS": " ".join(jvm.FLAGS),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout.splitlines()[-1:] == ["done"], ended.stdout + ended.stderr
