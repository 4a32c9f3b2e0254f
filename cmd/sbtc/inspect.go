package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
)

func inspectCommand() *cobra.Command {
	var asJSON bool
	var f packageFlags
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Count a model's weights, bits and multiply-adds, by layer and in all",
		Long: `Inspect shows the layers that MODEL compiles to and counts their parameters, bits in weights.bin, and multiply-adds
(products in layers, attention and convolutions; for ternary and binary weights additions):

  dense     all products of the model as it was read (of a layer: its own)
  live      without values that reach no output and scores that a mask excludes
  non-zero  of these, products without a factor that is zero for certain: a weight, or a masked activation
  executed  what the kernels in Go compute, with the lanes and tiles that only fill up; of a ternary layer whose sums
            share terms, these count once

Code names the paths on which weights, or what an attention skips, are machine code, and loop the kernel that goes through
lists of them on the other paths and in pure Go. A dash is work that does not follow from shapes. Below the table stand the passes that changed these numbers, and, for a
sparse binary transformer that says so in its metadata (sbt.task and so on), size and work as the paper counts them.`,
		Args: cobra.ExactArgs(1),
	}
	f.addPackage(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = command(func(cmd *cobra.Command, args []string) error {
		opt, err := f.packageOptions(cmd)
		if err != nil {
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
	fmt.Fprintln(t, "operator\tresult\tshape\tparameters\tnon-zero\tdensity\tweights\tkernel\tcode\tloop\tbits\tlive\tnon-zero\texecuted")
	for _, l := range r.Layers {
		weights := l.Kind
		switch {
		case l.Scale != nil:
			weights += fmt.Sprintf(" %.6g", *l.Scale)
		case l.Scales > 1:
			weights += fmt.Sprintf(", %d scales", l.Scales)
		}
		if l.SignsOf != "" {
			weights += ", signs of " + strconv.QuoteToASCII(l.SignsOf)
		}
		kernel := l.Strategy
		if l.Tuned {
			kernel += " (tuned)"
		}
		if l.SumsOf != "" {
			kernel += ", sums of " + strconv.QuoteToASCII(l.SumsOf)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Op, strconv.QuoteToASCII(l.Name), l.Shape, size(&l.Counts), weights,
			kernel, strings.Join(l.Code, ","), l.Loop, work(&l.Counts, l.Uncounted))
	}
	fmt.Fprintf(t, "total\t\t\t%s\t\t\t\t\t%s\n", size(&r.Total), work(&r.Total, false))
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nmultiply-adds: %d dense, %d live, %d non-zero, %d executed\n",
		r.Total.MACsDense, r.Total.MACsLive, r.Total.MACsNonZero, r.Total.MACsExecuted)
	fmt.Fprintf(w, "constants: %d bits dense, %d stored%s\n", r.Total.BitsDense, r.Total.BitsStored, times(r.Total.BitsDense, r.Total.BitsStored))
	printPasses(w, r.Passes)
	if r.Paper != nil {
		printPaper(w, r.Paper)
	}
	return nil
}

// size is the columns of parameters; empty where there are none.
func size(c *check.Counts) string {
	if c.Params == 0 {
		return "\t\t"
	}
	return fmt.Sprintf("%d\t%d\t%.1f%%", c.Params, c.NonZero, 100*c.Density)
}

// work is the columns of bits and multiply-adds.
func work(c *check.Counts, unknown bool) string {
	bits, live, nonzero, executed := "", "", "", ""
	if c.BitsStored > 0 {
		bits = strconv.Itoa(c.BitsStored)
	}
	switch {
	case unknown:
		live, nonzero, executed = "-", "-", "-"
	case c.MACsLive > 0:
		live, nonzero, executed = strconv.Itoa(c.MACsLive), strconv.Itoa(c.MACsNonZero), strconv.Itoa(c.MACsExecuted)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s", bits, live, nonzero, executed)
}

// printPasses shows what each pass took away or added.
func printPasses(w io.Writer, passes []check.PassCounts) {
	fmt.Fprintln(w, "\nmultiply-adds after each pass that changed them:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "pass\tlive\tchange\tnon-zero\tchange\t")
	for i, p := range passes {
		if i == 0 {
			fmt.Fprintf(t, "%s\t%d\t\t%d\t\t\n", p.Pass, p.MACsLive, p.MACsNonZero)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%+d\t%d\t%+d\t\n", p.Pass, p.MACsLive, p.MACsLive-passes[i-1].MACsLive,
			p.MACsNonZero, p.MACsNonZero-passes[i-1].MACsNonZero)
	}
	t.Flush()
}

func printPaper(w io.Writer, p *check.PaperCounts) {
	fmt.Fprintln(w, "\nas the paper on sparse binary transformers counts (one bit a weight, most layers for one step only):")
	fmt.Fprintf(w, "dense   %d bits, %d multiply-adds\n", p.BitsDense, p.FlopsDense)
	if p.BitsSBT != nil {
		fmt.Fprintf(w, "sparse  %d bits%s, %d multiply-adds%s\n", *p.BitsSBT, times(p.BitsDense, *p.BitsSBT), *p.FlopsSBT, times(p.FlopsDense, *p.FlopsSBT))
	}
}

// times says how many times more a is than b.
func times(a, b int) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.2fx less)", float64(a)/float64(b))
}
