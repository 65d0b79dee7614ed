"""Starts the JVM once; after each test the library holds no native byte more than before."""

import gc

import pytest

import jvm


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-results", action="store_true", help="write the result sheet anew")


def pytest_sessionstart(session: pytest.Session) -> None:
    jvm.start()
    # Everything imported so far stays: the collections of the leak check need not look at it.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_leaks():
    before = jvm.held()
    yield
    if jvm.held() != before:
        gc.collect()
    assert jvm.held() == before, "native bytes still held"
