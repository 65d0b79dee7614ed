"""The committed result sheet is what happens."""

import pytest

import sheet


def test_sheet_tells_what_happens(request):
    if differing := sheet.differing():
        pytest.skip(f"the sheet is of other versions: {', '.join(differing)}")
    text = sheet.render()
    if request.config.getoption("--write-results"):
        sheet.FILE.write_text(text)
    assert sheet.FILE.read_text().splitlines() == text.splitlines()
