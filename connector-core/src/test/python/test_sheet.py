"""The committed result sheet is what happens, for the libraries that are installed."""

import pytest

import sheet


def test_sheet_tells_what_happens(request):
    if differing := sheet.differing():
        pytest.skip(f"the sheet is of other versions: {', '.join(differing)}")
    text = sheet.render()
    if request.config.getoption("--write-results"):
        assert sheet.missing() == [], "a sheet needs every library"
        sheet.FILE.write_text(text)
    assert sheet.of_installed(sheet.FILE.read_text()) == sheet.of_installed(text)
