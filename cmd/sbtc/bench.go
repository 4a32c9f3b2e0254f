package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cheggaaa/pb/v3"
	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/bench"
)

type benchFlags struct {
	packageFlags
	input               []string
	ort, ortModel       string
	paths               []string
	seed, rounds, colds int
	workers             int
	asJSON              bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench MODEL|CASEDIR",
		Short: "Time the compiled package, beside ONNX Runtime",
		Long: `Bench compiles a model, builds the package in a temporary module without network and times it with one thread, on
every path that the processor has, beside ONNX Runtime.

Each path and each form of the model in ONNX Runtime has a process of its own. They take turns: a turn is some warming
calls and then calls for at least 200 us; in each of --rounds rounds all have a turn. Ratios are medians over the pairs of turns in the
same round. A cold call follows the reading of 96 MB of other memory. All get the same inputs: those of --input, else the
first recorded run of a CASEDIR, else random ones. Outputs are compared: paths have to give the same bits, ONNX Runtime in
float32 what recorded results allow.

Of a model with an open batch, --dim batch=B times Runs of B samples; "throughput" then compares Runs of one sample and of B,
and with --workers N also those that N goroutines share, in samples per second, with turns of 3 ms.

--ort takes the path of ONNX Runtime's shared library, version 1.14 or later (libonnxruntime.so; npm's onnxruntime-node
and PyPI's onnxruntime hold one). It runs with one thread and all graph optimizations, the model in two forms, of which the
faster one counts: as exported, and with an open batch if that was fixed, fixed if it was open. int8 is its dynamic
quantization of products with constant matrices. What loads the library is a program that is built with
github.com/ebitengine/purego, from the module cache or a proxy; sbtc and compiled packages need no cgo.

Exit status: 1 if ONNX Runtime gives another result, 3 if a path does.`,
		Args: cobra.ExactArgs(1),
	}
	f.addPackage(cmd)
	cmd.Flags().StringVar(&f.ort, "ort", "", "shared library of ONNX Runtime to compare with")
	cmd.Flags().StringVar(&f.ortModel, "ort-model", "", "model that ONNX Runtime runs instead, on the same inputs")
	cmd.Flags().StringArrayVar(&f.input, "input", nil, "inputs: FILE.npz or NAME=FILE.npy (may be repeated)")
	cmd.Flags().StringSliceVar(&f.paths, "paths", nil, "paths to time, of "+strings.Join(bench.Paths, ",")+" (default all)")
	cmd.Flags().IntVar(&f.seed, "seed", 1, "seed of the random inputs")
	cmd.Flags().IntVar(&f.rounds, "rounds", 61, "rounds of turns")
	cmd.Flags().IntVar(&f.colds, "cold", 31, "rounds of cold calls")
	cmd.Flags().IntVar(&f.workers, "workers", 1, "time Runs with so many goroutines too")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) })
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command, path string) error {
	opt, err := f.packageOptions(cmd)
	if err != nil {
		return err
	}
	for _, p := range f.paths {
		if !slices.Contains(bench.Paths, p) {
			return usage("--paths %s: want some of %s", p, strings.Join(bench.Paths, ","))
		}
	}
	switch {
	case f.rounds < 1:
		return usage("--rounds %d: want 1 or more", f.rounds)
	case f.workers < 1:
		return usage("--workers %d: want 1 or more", f.workers)
	case f.colds < 0:
		return usage("--cold %d: want 0 or more", f.colds)
	case f.ortModel != "" && f.ort == "":
		return usage("--ort-model needs --ort")
	}
	b := bench.Bench{
		Model: path, Options: opt, Seed: f.seed, Library: f.ort, ORTModel: f.ortModel, Paths: f.paths,
		Rounds: f.rounds, Cold: f.colds, Workers: f.workers,
	}
	if f.input != nil {
		if b.Input, err = readArrays("--input", f.input); err != nil {
			return err
		}
	}
	if w := terminal(cmd.ErrOrStderr()); w != nil {
		bar := pb.New(f.rounds + f.colds).SetWriter(w).Start()
		b.Progress = func(done, _ int) { bar.SetCurrent(int64(done)) }
		defer bar.Finish()
	}
	r, err := b.Run()
	if err != nil {
		return err
	}
	if f.asJSON {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), r.Text())
	return err
}
