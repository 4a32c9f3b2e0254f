package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/passes"
)

// modelFlags are the flags of every command that reads a model.
type modelFlags struct {
	dims    []string
	disable []string
	verbose bool
}

func (m *modelFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&m.dims, "dim", nil, "fix an open dimension: NAME=N for all of that name, INPUT:AXIS=N for one (may be repeated)")
	cmd.Flags().StringArrayVar(&m.disable, "disable", nil, "leave out the pass of this name (may be repeated)")
	cmd.Flags().BoolVarP(&m.verbose, "verbose", "v", false, "say what each pass did")
}

// options checks the flags and makes options of them. Warnings and -v go to standard error.
func (m *modelFlags) options(cmd *cobra.Command) (check.Options, error) {
	for _, name := range m.disable {
		if !hasPass(passes.Portable, name) && !hasPass(passes.Target, name) {
			return check.Options{}, usage("--disable %s: no such pass; there are\n%s", name, passHelp())
		}
		if slices.ContainsFunc(passes.Target, func(p passes.Pass) bool { return p.Name == name && p.Name == "lower" }) {
			return check.Options{}, usage("--disable %s: nothing compiles without it", name)
		}
	}
	for _, d := range m.dims {
		if err := frontend.CheckDim(d); err != nil {
			return check.Options{}, usage("--dim %s: %v", d, err)
		}
	}
	opt := check.Options{
		Dims:    m.dims,
		Disable: m.disable,
		Warn:    func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "sbtc: "+text) },
	}
	if m.verbose {
		opt.Log = func(pass string, nodes int, d time.Duration, changed bool) {
			what := "nothing to do"
			if changed {
				what = fmt.Sprintf("now %d nodes", nodes)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%-16s %8.1f ms  %s\n", pass, float64(d.Microseconds())/1000, what)
		}
	}
	return opt, nil
}

// printAfter adds to opt the printing of the graph after each run of a pass.
func printAfter(opt *check.Options, cmd *cobra.Command, pass string) error {
	if pass == "" {
		return nil
	}
	if !hasPass(passes.Portable, pass) && !hasPass(passes.Target, pass) {
		return usage("--print-after %s: no such pass; there are\n%s", pass, passHelp())
	}
	opt.After = func(name string, g *ir.Graph) {
		if name == pass {
			fmt.Fprintf(cmd.OutOrStdout(), "# after %s\n%s", name, g)
		}
	}
	return nil
}
