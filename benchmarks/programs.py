"""The programs that are compared, each in a process of its own that answers one JSON line with another."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

PEERS_FOLDER = Path(__file__).with_name("peers")

# Peer: what it is, and its script with arguments.
PEERS = {
    "released": ("the released code's loop, PyTorch autograd", ["torch_released.py"]),
    "numpy": ("NumPy, batched over replicas", ["numpy_batched.py"]),
    "numba": ("Numba, loops", ["numba_loops.py"]),
    "jax": ("JAX, scan and vmap", ["jax_scan.py"]),
    "torch": ("PyTorch, batched, eager", ["torch_batched.py"]),
    "torch-compile": ("PyTorch, batched, torch.compile", ["torch_batched.py", "compiled"]),
    "c": ("C, -O3 -march=native -ffast-math", ["c_loops.py"]),
}
# Peers that know one replica only: ensembles are one run after another.
ONE_REPLICA = {"released"}
# Compiling may take long; nothing else does.
PATIENCE = 300.0


class Failed(Exception):
    """A program could not do what it was asked to; the text says why."""


class NotOffered(Exception):
    """A program does not have the algorithm."""


class Program:
    """A program that is started when it is first asked, and again after it has died."""

    def __init__(self, name, command, folder):
        self.name, self.command = name, [str(word) for word in command]
        self.log = folder / f"{name}.log"
        self.cache = folder.parent
        self.process = None

    def ask(self, what, patience=PATIENCE, **details):
        """The answer to a request, as a dictionary."""
        if self.process is None:
            self._start()
        try:
            self.process.stdin.write(json.dumps({"do": what, **details}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._died(what) from None
        if not select.select([self.process.stdout], [], [], patience)[0]:
            self.stop()
            raise Failed(f"no answer to {what} within {patience:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise self._died(what)
        answer = json.loads(line)
        if "not_offered" in answer:
            raise NotOffered(answer["not_offered"])
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def stop(self):
        """Ends the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self._environment()
            )

    def _died(self, what):
        code = self.process.wait()
        self.process = None
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        last = f": {lines[-1]}" if lines else ""
        return Failed(f"ended with code {code} at {what}{last}")

    def _environment(self):
        """One thread each, on the processor only, and nothing compiled twice."""
        names = ["OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM"]
        return os.environ | {f"{name}_NUM_THREADS": "1" for name in names} | {
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
            "TORCHINDUCTOR_CACHE_DIR": str(self.cache / "torch-compile"),
        }


def start_all(worker, peers, folder):
    """jostle and the peers, by name, jostle first."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = {"jostle": Program("jostle", [worker], folder)}
    for name in peers:
        script, *arguments = PEERS[name][1]
        programs[name] = Program(name, [sys.executable, PEERS_FOLDER / script, *arguments], folder)
    return programs


def pin_to_one_core():
    """Confines this process, and all that it starts from now on, to one core; which, or None where that cannot be."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core
