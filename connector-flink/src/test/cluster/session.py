"""A session cluster of processes, made of Flink's own distribution and started by its own scripts.

The distribution comes from PyPI, where PyFlink is published as two packages: one with bin/ and
conf/, one with the jars; and the SQL client's gateway from Maven. It is fetched once, into target/.
"""

import glob
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import uuid
import zipfile

PATIENCE_SECONDS = 300


def fetch(version, scratch):
    """Returns the folder of the distribution."""
    home = scratch / f"flink-{version}"
    if not home.is_dir():
        fetch_from_pypi(version, scratch, home)
    # The packages of PyFlink leave out what the SQL client runs in itself.
    if not glob.glob(str(home / "opt/flink-sql-gateway-*.jar")):
        gateway = f"-Dartifact=org.apache.flink:flink-sql-gateway:{version}"
        root = pathlib.Path(__file__).resolve().parents[4]
        subprocess.run(["mvn", "-q", "-B", "-N", "dependency:copy", gateway, f"-DoutputDirectory={home / 'opt'}"],
                       cwd=root, check=True)
    return home


def fetch_from_pypi(version, scratch, home):
    downloads = scratch / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", scratch / "venv"], check=True)
    pip = [scratch / "venv/bin/pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", downloads]
    # Any of the wheels: their bin/ and conf/ are the same.
    wheel = ["--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux2014_x86_64"]
    subprocess.run(pip + wheel + [f"apache-flink=={version}"], check=True)
    subprocess.run(pip + ["--no-binary", ":all:", f"apache-flink-libraries=={version}"], check=True)
    unpacked = scratch / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(only(downloads, "apache_flink-*.whl")) as scripts:
        for name in scripts.namelist():
            if name.startswith(("pyflink/bin/", "pyflink/conf/")):
                scripts.extract(name, unpacked)
    with tarfile.open(only(downloads, "apache_flink_libraries-*.tar.gz")) as jars:
        jars.extractall(unpacked)
    made = unpacked / "pyflink"
    for part in ("lib", "opt", "plugins"):
        shutil.move(only(unpacked, f"apache_flink_libraries-*/deps/{part}"), made / part)
    for java_part in glob.glob(str(unpacked / "apache_flink_libraries-*/deps/bin/*")):
        shutil.move(java_part, made / "bin")
    for script in (made / "bin").iterdir():
        script.chmod(0o755)
    shutil.move(made, home)
    shutil.rmtree(unpacked)
    shutil.rmtree(downloads)


def only(folder, pattern):
    (found,) = glob.glob(str(folder / pattern))
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def wait(what, condition, seconds=PATIENCE_SECONDS):
    """Waits until the condition gives something, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            sys.exit(f"waited {seconds} s in vain until {what}")
        time.sleep(0.1)


class Session:
    """One job manager and one task manager, with what the distribution configures."""

    def __init__(self, home, folder, settings=(), libraries=()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.processes = {}
        self.rest_port = free_port()
        lib = folder / "lib"
        shutil.copytree(home / "lib", lib, copy_function=os.link)
        for jar in libraries:
            shutil.copy(jar, lib)
        conf = folder / "conf"
        shutil.copytree(home / "conf", conf)
        own = {"rest.port": self.rest_port, "jobmanager.rpc.port": free_port()}
        own |= {"pekko.startup-timeout": "60 s"} | dict(settings)
        # Flink reads flattened keys beside the nested ones of its own file.
        with open(conf / "config.yaml", "a") as file:
            file.writelines(f"\n{key}: {value}" for key, value in own.items())
        java = os.environ.get("JAVA_HOME") or str(pathlib.Path(os.path.realpath(shutil.which("javac"))).parents[1])
        self.jdk = pathlib.Path(java)
        self.environment = os.environ | {
            # What was freed goes back to the system at once, so that what is resident is held.
            "MALLOC_ARENA_MAX": "1",
            "MALLOC_MMAP_THRESHOLD_": "131072",
            "JAVA_HOME": java,
            "FLINK_CONF_DIR": str(conf),
            "FLINK_LIB_DIR": str(lib),
            "FLINK_LOG_DIR": str(folder),
            "FLINK_PID_DIR": str(folder / "pids"),
        }
        self.home = home

    def __enter__(self):
        try:
            self.start("jobmanager")
            self.start("taskmanager")
            wait("the task manager is there", lambda: self.slots() > 0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name):
        with open(self.folder / f"{name}.log", "w") as log:
            self.processes[name] = subprocess.Popen(
                [self.home / "bin" / f"{name}.sh", "start-foreground"],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def slots(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                tail = "\n".join(self.log(name).splitlines()[-40:])
                sys.exit(f"{tail}\nThe {name} ended by itself: {process.returncode}; its log is in {self.folder}")
        try:
            return self.get("/overview")["slots-total"]
        except urllib.error.URLError:
            return 0

    def get(self, path):
        with urllib.request.urlopen(f"http://localhost:{self.rest_port}{path}", timeout=60) as answer:
            return json.load(answer)

    def post(self, path, body, kind="application/json"):
        request = urllib.request.Request(
            f"http://localhost:{self.rest_port}{path}", data=body, headers={"Content-Type": kind}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            sys.exit(f"{path}: {refused.code}: {refused.read().decode().encode().decode('unicode_escape')}")

    def upload(self, jar):
        """Returns the name by which the cluster knows the jar."""
        border = uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="jarfile"; filename="{jar.name}"\r\n' \
            "Content-Type: application/x-java-archive\r\n\r\n"
        body = head.encode() + jar.read_bytes() + f"\r\n--{border}--\r\n".encode()
        answer = self.post("/jars/upload", body, f"multipart/form-data; boundary={border}")
        return answer["filename"].rpartition("/")[2]

    def run(self, jar, main, arguments):
        """Starts a job, whose graph the job manager makes; returns its id."""
        body = {"entryClass": main, "programArgsList": [str(argument) for argument in arguments]}
        return self.post(f"/jars/{jar}/run", json.dumps(body).encode())["jobid"]

    def sql(self, statements):
        """What Flink's SQL client prints for the statements, which it runs on this cluster."""
        script = self.folder / "statements.sql"
        script.write_text(";\n".join(statements) + ";\n")
        log = self.folder / "sql-client.log"
        with open(log, "w") as output:
            subprocess.run(
                [self.home / "bin/sql-client.sh", "-f", script], env=self.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS, check=False)
        return log.read_text()

    def state(self, job):
        return self.get(f"/jobs/{job}")["state"]

    def await_end(self, job, expected="FINISHED"):
        state = wait(f"job {job} ends", lambda: self.end(job))
        if state != expected:
            failure = self.get(f"/jobs/{job}/exceptions").get("exceptionHistory", {}).get("entries", [])
            sys.exit(f"job {job} is {state}: {failure[0]['stacktrace'] if failure else 'no failure told'}")

    def end(self, job):
        state = self.state(job)
        return state if state in ("FINISHED", "FAILED", "CANCELED") else None

    def cancel(self, job):
        request = urllib.request.Request(f"http://localhost:{self.rest_port}/jobs/{job}", method="PATCH")
        urllib.request.urlopen(request, timeout=60).close()
        self.await_end(job, "CANCELED")

    def accumulators(self, job):
        told = self.get(f"/jobs/{job}/accumulators")["user-task-accumulators"]
        return {accumulator["name"]: float(accumulator["value"]) for accumulator in told}

    def metrics(self, job):
        """The metrics of all operators of the job's first subtasks, without the operators' names."""
        found = {}
        for vertex in self.get(f"/jobs/{job}")["vertices"]:
            path = f"/jobs/{job}/vertices/{vertex['id']}/subtasks/0/metrics"
            names = [metric["id"] for metric in self.get(path)]
            for name in (name for name in names if name.startswith("scored.")):
                value = self.get(f"{path}?get={name}")
                found.update({name.removeprefix("scored."): float(metric["value"]) for metric in value})
        return found

    def jcmd(self, name, *command):
        """What the JDK's tool says about one of the processes."""
        tool = [self.jdk / "bin" / "jcmd", str(self.processes[name].pid), *command]
        return subprocess.run(tool, check=True, stdout=subprocess.PIPE, text=True).stdout
