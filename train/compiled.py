"""Runs models as sbtc compiles them: outputs for many samples, time, bytes and multiply-adds.

Needs Linux, Go and the command sbtc: SBTC names it, else it is looked for in PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

MAIN = """package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"syscall"

	"zoo/model"
)

func main() {
	m, err := model.New()
	check(err)
	in, out := &model.Inputs{%(make_in)s}, &model.Outputs{%(output)s: make([]float32, %(size)d)}
	samples := %(samples)d
	result := make([]byte, 0, samples*%(size)d*4)
%(read)s
	for i := 0; i < samples; i++ {
%(set)s
		check(m.Run(in, out))
		for _, v := range out.%(output)s {
			result = binary.LittleEndian.AppendUint32(result, math.Float32bits(v))
		}
	}
	check(os.WriteFile("out.bin", result, 0o644))
	// Time that this thread has the processor, in batches of at least 2 ms: other work on the machine does not count.
	runtime.LockOSThread()
	calls := 1
	var times []float64
	for len(times) < 25 {
		start := used()
		for range calls {
			check(m.Run(in, out))
		}
		spent := used() - start
		if spent < 2e6 {
			calls *= 2
			continue
		}
		times = append(times, spent/float64(calls))
	}
	sort.Float64s(times)
	fmt.Printf("%%.0f %%.0f", times[0], times[len(times)/2])
}

// used is the processor time of this thread in nanoseconds (Linux).
func used() float64 {
	var u syscall.Rusage
	check(syscall.Getrusage(1, &u))
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) []float32 {
	b, err := os.ReadFile(name)
	check(err)
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}
"""


def command() -> str | None:
    """The path of sbtc, or None."""
    return os.environ.get("SBTC") or shutil.which("sbtc")


class Compiled:
    """An ONNX model with batch 1, compiled into a folder of its own; close removes it."""

    def __init__(self, model):
        self.work, model = Path(tempfile.mkdtemp(prefix="sbtc-zoo-")), Path(model).resolve()
        self._call(command(), "compile", str(model), "-o", "model", "--package", "model")
        source = (self.work / "model" / "model.go").read_text()
        head = source[: source.index("\npackage ")]
        fields = re.findall(r'- (input|output) "([^"]*)": field (\w+), float\[([\d,]*)\]', head)
        self.inputs = [(name, field, _size(dims)) for way, name, field, dims in fields if way == "input"]
        self.output = next((field, tuple(map(int, d.split(",")))) for way, _, field, d in fields if way == "output")
        (self.work / "go.mod").write_text("module zoo\n\ngo 1.26\n")

    def close(self):
        shutil.rmtree(self.work)

    def _call(self, *command):
        env = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
        done = subprocess.run(command, cwd=self.work, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"train: {' '.join(command)}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def run(self, arrays) -> np.ndarray:
        """The outputs for samples (n, ...), one array for each input by name; remembers the time of a call."""
        samples, read, set_ = len(next(iter(arrays.values()))), [], []
        for i, (name, field, size) in enumerate(self.inputs):
            data = np.ascontiguousarray(arrays[name], np.float32)
            if data.size != samples * size:
                raise SystemExit(f"train: input {name}: {data.size} elements, expected {samples} times {size}")
            data.tofile(self.work / f"in{i}.bin")
            read.append(f'\tx{i} := read("in{i}.bin")')
            set_.append(f"\t\tin.{field} = x{i}[i*{size} : (i+1)*{size}]")
        field, shape = self.output
        text = MAIN % dict(
            make_in="", output=field, size=int(np.prod(shape)), samples=samples, read="\n".join(read), set="\n".join(set_)
        )
        (self.work / "main.go").write_text(text)
        self._call("go", "build", "-o", "zoo", ".")
        least, median = self._call("./zoo").split()
        self.ns, self.ns_median = float(least), float(median)
        out = np.fromfile(self.work / "out.bin", np.float32)
        return out.reshape(samples, *shape[1:])

    def bytes(self) -> dict:
        """Bytes of the package's files and, of them, of its weights."""
        files = list((self.work / "model").iterdir())
        return {
            "package_bytes": sum(f.stat().st_size for f in files),
            "weight_bytes": sum(f.stat().st_size for f in files if f.suffix == ".bin"),
        }


def _size(dims):
    return int(np.prod([int(d) for d in dims.split(",")]))


def measure(model_file, part, score) -> dict:
    """What zoo results say of a compiled model.

    part: its test part. score(outputs_of) gives the metrics of a program, where outputs_of(part) gives (outputs, targets).
    """
    compiled = Compiled(model_file)
    try:

        def outputs_of(part):
            inputs, targets = part.batch(torch.arange(len(part)))
            arrays = {name: x.numpy() for (name, _, _), x in zip(compiled.inputs, inputs)}
            return torch.from_numpy(compiled.run(arrays)), targets

        metrics = score(outputs_of)
        counted = json.loads(compiled._call(command(), "inspect", "--json", str(Path(model_file).resolve())))["total"]
        return {
            "metrics": metrics,
            "ns": compiled.ns,
            "ns_median": compiled.ns_median,
            **compiled.bytes(),
            **{k: v for k, v in counted.items() if k.startswith("macs")},
        }
    finally:
        compiled.close()


def verify(model_file) -> str:
    """The last line of sbtc verify; an error if a result is wrong."""
    done = subprocess.run([command(), "verify", "--trials", "1", str(model_file)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"train: {model_file}: {done.stdout.strip()[-2000:]} {done.stderr.strip()}")
    return done.stdout.strip().splitlines()[-1]
