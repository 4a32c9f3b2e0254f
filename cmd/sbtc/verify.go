package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
)

type verifyFlags struct {
	packageFlags
	input, expect   []string
	seed, trials    int
	perNode, asJSON bool
}

func verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify MODEL|CASEDIR",
		Short: "Compare the compiled package with the model",
		Long: `Verify compiles a model, builds the package in a temporary module without network, and compares, on recorded and on
random inputs:
  - the model, interpreted, with recorded outputs (within 1e-4 of the largest recorded element, or of 1)
  - the model after the portable passes, and as low operators, with the model
  - the compiled package with the low operators: every bit
It also runs inputs that are not finite and reports where the package differs from the model; that is no failure.

A CASEDIR holds model.onnx and test_data_set_N/input_I.pb and output_I.pb.

With --binarize, --ternarize or --prune (see compile) the model is the one with changed weights, and where it leaves what
was recorded, that is no failure.

Exit status: 1 if a result differs from recorded data, 3 if the compiler changed a result.`,
		Args: cobra.ExactArgs(1),
	}
	f.addPackage(cmd)
	cmd.Flags().StringArrayVar(&f.input, "input", nil, "inputs to run: FILE.npz or NAME=FILE.npy (may be repeated)")
	cmd.Flags().StringArrayVar(&f.expect, "expect", nil, "recorded outputs for --input: FILE.npz or NAME=FILE.npy (may be repeated)")
	cmd.Flags().IntVar(&f.seed, "seed", 1, "seed of the random inputs")
	cmd.Flags().IntVar(&f.trials, "trials", trials, "number of random inputs")
	cmd.Flags().BoolVar(&f.perNode, "per-node", false, "compare the results of all nodes")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) })
	return cmd
}

func (f *verifyFlags) run(cmd *cobra.Command, path string) error {
	opt, err := f.packageOptions(cmd)
	if err != nil {
		return err
	}
	if f.expect != nil && f.input == nil {
		return usage("--expect needs --input")
	}
	if f.trials < 0 {
		return usage("--trials %d: want 0 or more", f.trials)
	}
	v := check.Verify{Model: path, Options: opt, Seed: f.seed, Trials: f.trials, PerNode: f.perNode}
	if f.input != nil {
		if v.Input, err = readArrays("--input", f.input); err != nil {
			return err
		}
		bindDims(&v.Options, v.Input)
	}
	if f.expect != nil {
		if v.Expect, err = readArrays("--expect", f.expect); err != nil {
			return err
		}
	}
	r, err := v.Run()
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if f.asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else if err := printReport(w, r); err != nil {
		return err
	}
	return r.Err()
}

func printReport(w io.Writer, r *check.Report) error {
	if r.Changed {
		fmt.Fprintln(w, "here the model is the one with changed weights")
	}
	count := map[check.Level]int{}
	for _, f := range r.Checks {
		count[f.Level]++
		fmt.Fprintln(w, f)
	}
	fmt.Fprintf(w, "%d comparisons agree, %d notes, %d differ from recorded data, %d wrong\n",
		count[check.Good], count[check.Note], count[check.Differs], count[check.Wrong])
	if r.Nodes == nil {
		return nil
	}
	fmt.Fprintln(w, "\nlargest difference from the model, relative to the largest element; - where a stage has no such value")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "value\toperator\ttype\tportable\tlow")
	for _, n := range r.Nodes {
		fmt.Fprintf(t, "%+q\t%s\t%s\t%s\t%s\n", n.Value, n.Operator, n.Type, relative(n.Portable), relative(n.Low))
	}
	return t.Flush()
}

func relative(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.1e", *x)
}
