package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
)

func inspectCommand() *cobra.Command {
	var asJSON bool
	var m modelFlags
	var l lossyFlags
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show the layers that a model compiles to",
		Long: `Inspect shows the operators that MODEL compiles to, after folding and fusing: shape, parameters, how many of these
are not zero, what values the weights of a layer hold, and multiply-adds with weights that are not zero (additions,
where weights are ternary or binary). A dash is work that does not follow from shapes.`,
		Args: cobra.ExactArgs(1),
	}
	m.add(cmd)
	l.addLossy(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error {
		opt, err := m.options(cmd)
		if err != nil {
			return err
		}
		if err := l.change(cmd, &opt); err != nil {
			return err
		}
		r, err := check.Inspect(args[0], opt)
		if err != nil {
			return err
		}
		if asJSON {
			e := json.NewEncoder(cmd.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(r)
		}
		return printInspection(cmd.OutOrStdout(), r)
	})
	return cmd
}

func printInspection(w io.Writer, r *check.Inspection) error {
	fmt.Fprintf(w, "%s: opset %d", r.Model, r.Opset)
	if r.Producer != "" {
		fmt.Fprintf(w, ", written by %+q", r.Producer)
	}
	fmt.Fprintf(w, "\nsha256 %s\n", r.SHA256)
	for _, p := range r.Inputs {
		fmt.Fprintf(w, "input  %+q %s\n", p.Name, p.Type)
	}
	for _, p := range r.Outputs {
		fmt.Fprintf(w, "output %+q %s\n", p.Name, p.Type)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "kind\toutput\tshape\tparameters\tnon-zero\tdensity\tweights\tmultiply-adds")
	for _, l := range r.Layers {
		printLayer(t, l)
	}
	printLayer(t, r.Total)
	return t.Flush()
}

func printLayer(w io.Writer, l check.Layer) {
	name, numbers, weights, work := "", "\t\t", l.Weights, "-"
	if l.Output != "" {
		name = strconv.QuoteToASCII(l.Output)
	}
	if l.Parameters > 0 {
		numbers = fmt.Sprintf("%d\t%d\t%.1f%%", l.Parameters, l.NonZeros, 100*l.Density)
	}
	if l.MultiplyAdds != nil {
		work = strconv.Itoa(*l.MultiplyAdds)
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Kind, name, l.Shape, numbers, weights, work)
}
