"""Programs that end in every order; test_endings.py runs each as ``python endings.py NAME``.

Each prints "done" last. The watchdog prints all stacks and ends a process that is stuck.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import sys
import threading
import weakref
from contextlib import suppress

import jpype
import numpy as np
import pytest

import arrowtensor
import jvm
from cases import values
from jvm import Loan

PATIENCE_SECONDS = 60


class Watched(np.ndarray):
    """Memory of Python that can be watched."""


def lent_by_jvm(count: int = 3) -> tuple[list[Loan], list[np.ndarray]]:
    loans = [Loan(values("float64", 4)) for _ in range(count)]
    arrays = []
    for loan in loans:
        with loan.share() as array:
            arrays.append(np.from_dlpack(array))
    return loans, arrays


def lent_by_python(count: int = 3) -> list[weakref.ref]:
    """Arrays that only Java knows from now on."""
    alive = []
    for _ in range(count):
        x = values("float32", 8).view(Watched)
        with arrowtensor.asarray(x) as array:
            threads().keep(jvm.java("python.PythonRuntime").array(array.handle))
        alive.append(weakref.ref(x))
    return alive


def run_in_a_sub_interpreter(code: str) -> None:
    """One that shares its lock with the main interpreter, as all did before Python 3.12."""
    if sys.version_info >= (3, 13):
        interpreters = importlib.import_module("_interpreters")
        number = interpreters.create("legacy")
    else:
        interpreters = importlib.import_module("_xxsubinterpreters")
        number = interpreters.create(isolated=False)
    failure = interpreters.run_string(number, code)  # before 3.13 it raises
    interpreters.destroy(number)
    assert failure is None, failure


def threads():
    return jvm.java("testing.JvmThreads")


def python_lets_go_first() -> None:
    loans, arrays = lent_by_jvm()
    del arrays
    assert [loan.releases for loan in loans] == [1, 1, 1]
    assert jvm.held() == 0


def java_lets_go_first() -> None:
    alive = lent_by_python()
    assert all(ref() is not None for ref in alive)
    threads().closeKept(1)
    assert [ref() for ref in alive] == [None, None, None]
    assert jvm.held() == 0


KEPT: list[object] = []  # what a program leaves for the interpreter to end


def interpreter_exits_with_arrays_alive() -> None:
    KEPT.extend(lent_by_jvm())
    KEPT.append(lent_by_python())


def interpreter_exits_with_a_cycle() -> None:
    gc.disable()
    cycle = [lent_by_jvm(), lent_by_python()]
    cycle.append(cycle)


def interpreter_exits_with_a_capsule_that_nobody_took() -> None:
    for version in (None, (1, 3)):
        array = Loan(values("int8", 3)).share()
        KEPT.append(array.__dlpack__(max_version=version))
        KEPT.append(array.__arrow_c_array__())


def jvm_is_shut_down_with_arrays_alive() -> None:
    _, arrays = lent_by_jvm()
    alive = lent_by_python()
    shared = Loan(values("float64", 4)).share()
    jpype.shutdownJVM()
    assert [array.tolist() for array in arrays] == [[1, 2, 3, 4]] * 3, "still readable"
    assert all(ref() is not None for ref in alive), "nobody gave it back: it stays"
    for use in (
        shared.__dlpack__,
        shared.__arrow_c_array__,
        lambda: arrowtensor.asarray(arrays[0]),
    ):
        with pytest.raises(RuntimeError, match="JVM"):
            use()
    shared.close()
    arrays.clear()


def jvm_exit_closes_what_python_lent() -> None:
    alive = lent_by_python()
    threads().closeKeptAtExit()
    jpype.shutdownJVM()
    gc.collect()
    assert [ref() for ref in alive] == [None] * 3, "hooks of the JVM still enter the interpreter"


def interpreter_exit_closes_what_python_lent() -> None:
    lent_by_python()
    threads().closeKeptAtExit()


def java_thread_releases_while_the_interpreter_ends() -> None:
    threads().closeKeptForever()
    lent_by_python(2000)


def python_threads_convert_while_the_interpreter_ends() -> None:
    started = threading.Barrier(5)

    def work() -> None:
        x = values("float32", 8)
        started.wait()
        with suppress(RuntimeError):  # the JVM has ended
            while True:
                with arrowtensor.asarray(x) as array:
                    np.from_dlpack(array)

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    started.wait()


def java_releases_while_python_waits_for_java() -> None:
    alive = lent_by_python(500)
    threads().closeKept(8)  # Python's main thread waits for these threads, which need its lock
    assert all(ref() is None for ref in alive)
    assert jvm.held() == 0


def python_releases_while_java_waits_for_python() -> None:
    done = []

    @jpype.JImplements("java.lang.Runnable")
    class Work:
        @jpype.JOverride
        def run(self):
            loans, arrays = lent_by_jvm(20)
            lent_by_python(20)
            del arrays
            done.append(all(loan.releases == 1 for loan in loans))

    threads().callBack(6, Work())  # Java waits for these, which wait for each other's lock
    threads().closeKept(6)
    assert done == [True] * 6
    assert jvm.held() == 0


def sub_interpreter_is_refused_and_ends_nothing_but_itself() -> None:
    entry = jvm.java("python.PythonRuntime").entry()
    loan = Loan(values("float64", 4))
    array = loan.share()
    alive = lent_by_python()
    for use in (f"connect({entry})", f"Array({array.handle})"):
        run_in_a_sub_interpreter(
            "import arrowtensor\n"
            "try:\n"
            f"    arrowtensor.{use}\n"
            "except RuntimeError as error:\n"
            "    assert 'from a sub-interpreter' in str(error), error\n"
            "else:\n"
            "    raise AssertionError('it connected')\n"
        )
    array.close()
    assert loan.releases == 1
    threads().closeKept(1)
    assert [ref() for ref in alive] == [None] * 3, "Java still enters the main interpreter"


def many_threads_share_one_array() -> None:
    loan = Loan(values("int64", 1000))
    array = loan.share()
    x = values("float32", 8).view(Watched)
    lent = arrowtensor.asarray(x)
    together = threading.Barrier(8)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            together.wait()
            for _ in range(300):
                assert np.from_dlpack(array)[-1] == loan.expected[-1]
                threads().takeAndClose(lent.handle, 3)
        except BaseException as e:
            errors.append(e)

    running = [threading.Thread(target=work) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not errors, errors
    array.close()
    lent.close()
    assert loan.releases == 1
    watch = weakref.ref(x)
    del x
    assert watch() is None
    assert jvm.held() == 0


def threads_race_to_close_one_array() -> None:
    for _ in range(100):
        loan = Loan(values("int8", 3))
        array = loan.share()
        together = threading.Barrier(4)

        def close(array=array, together=together) -> None:
            together.wait()
            array.close()

        running = [threading.Thread(target=close) for _ in range(4)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        assert loan.releases == 1
    assert jvm.held() == 0


PROGRAMS = {
    name: function
    for name, function in list(globals().items())
    if callable(function) and "_" in name and not name.startswith(("lent_", "run_", "_"))
}

if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True)
    jvm.start()
    PROGRAMS[sys.argv[1]]()
    print("done", flush=True)
