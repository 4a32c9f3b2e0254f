package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/ir"
)

// printStorage tells how weights.bin holds constants, by the form in which they are stored.
func printStorage(w io.Writer, c *check.Compiled, opt check.Options) error {
	list, err := codegen.Storage(c.Graph, codegen.Options{Mode: opt.Mode})
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "weights.bin\tconstants\telements\tbytes\tat least\tdense/bytes\t")
	for _, form := range []string{"ternary", "sparse", "uniform", "indexed", "plain"} {
		constants, elements, bytes, least := 0, 0, 0, 0.0
		for _, s := range list {
			if s.Form == form {
				constants, elements, bytes, least = constants+1, elements+ir.Size(s.Shape), bytes+s.Bytes, least+s.Least()
			}
		}
		if constants > 0 {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.0f\t%.1f\t\n", form, constants, elements, bytes, least, float64(4*elements)/float64(max(1, bytes)))
		}
	}
	return t.Flush()
}
