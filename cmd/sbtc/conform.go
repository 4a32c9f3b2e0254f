package main

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
)

func conformCommand() *cobra.Command {
	var executors, pattern, skip string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "conform SUITEDIR",
		Short: "Run a folder of ONNX backend tests",
		Long: `Conform runs every case below SUITEDIR: a folder with model.onnx and test_data_set_N/input_I.pb and output_I.pb.
It prints one line "PASS|FAIL|SKIP executor case reason" for each, then totals. Cases whose shapes are decided by
run-time operands, and so come from the types that the model declares, are counted apart.

Executors: interp (the imported graph, interpreted), purego (the compiled package without assembly) and native (the
compiled package as it is built here). Packages are compiled from model.onnx alone and built in a temporary module
without network, many in one program; the data is read when they run. A result passes if it is the recorded one within
1e-7 + 1e-3 of each element; that of a package must also have every bit of the interpreted low graph.

A skip file has lines "case<TAB>executor or *<TAB>reason". A listed case that passes fails the run.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&executors, "executors", "interp,purego,native", "how to run each case: a list separated by commas")
	cmd.Flags().StringVar(&pattern, "run", "", "run only the cases whose name matches this regular expression")
	cmd.Flags().StringVar(&skip, "skip", "", "file that lists the cases known to fail")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document instead of lines")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) (err error) {
		out := cmd.OutOrStdout()
		c := check.Conform{}
		if terminal(out) == nil || asJSON { // where lines appear, they are the progress
			c.Progress = terminal(cmd.ErrOrStderr())
		}
		if c.Executors, err = check.ParseExecutors(executors); err != nil {
			return usageError{err}
		}
		if pattern != "" {
			if c.Run, err = regexp.Compile(pattern); err != nil {
				return usage("--run: %v", err)
			}
		}
		if skip != "" {
			if c.Skip, err = check.ReadSkipList(skip); err != nil {
				return err
			}
		}
		cases, err := check.ReadSuite(args[0])
		if err != nil {
			return err
		}
		if !asJSON {
			c.Each = func(r check.Result) { fmt.Fprintln(out, r) }
		}
		results, err := c.RunSuite(cases)
		if err != nil {
			return err
		}
		if len(results) == 0 {
			return fmt.Errorf("no case in %s matches --run %s", args[0], pattern)
		}
		totals := check.Totals(results)
		if asJSON {
			e := json.NewEncoder(out)
			e.SetIndent("", "  ")
			err = e.Encode(map[string]any{"results": results, "totals": totals})
		} else {
			for _, t := range totals {
				fmt.Fprintln(out, t)
			}
		}
		if err == nil && check.Failed(results) {
			err = errSilent
		}
		return err
	})
	return cmd
}
