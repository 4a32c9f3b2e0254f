package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/ir/op"
)

// opFamily is a family of operators as --json prints it.
type opFamily struct {
	Family    string     `json:"family"` // also the name of the file in ir/op
	Operators []opRecord `json:"operators"`
}

type opRecord struct {
	Name  string `json:"name"`
	Since int    `json:"since"` // opset of the newest form
	From  int    `json:"from"`  // oldest opset that is read
}

func opsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ops",
		Short: "List the ONNX operators that sbtc knows",
		Long: `Ops lists the ONNX operators that sbtc knows, by family: the opset of the newest form of each and the oldest opset
from which it is read. Nodes of older forms are brought to the newest when a model is read.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = command(func(cmd *cobra.Command, _ []string) error {
		families := operators()
		w := cmd.OutOrStdout()
		if asJSON {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(families)
		}
		for _, f := range families {
			fmt.Fprintf(w, "%s\n", f.Family)
			for _, o := range f.Operators {
				fmt.Fprintf(w, "  %-32s opset %2d, read from opset %d\n", o.Name, o.Since, o.From)
			}
		}
		return nil
	})
	return cmd
}

// operators gathers the rows of the operator table by operator.
func operators() []opFamily {
	var out []opFamily
	for _, f := range op.Families {
		family := opFamily{Family: f.Name}
		for _, d := range f.Defs {
			i := slices.IndexFunc(family.Operators, func(o opRecord) bool { return o.Name == d.Name })
			if i < 0 {
				family.Operators = append(family.Operators, opRecord{d.Name, d.Since, d.From})
				continue
			}
			o := &family.Operators[i]
			o.Since, o.From = max(o.Since, d.Since), min(o.From, d.From)
		}
		slices.SortFunc(family.Operators, func(a, b opRecord) int { return strings.Compare(a.Name, b.Name) })
		out = append(out, family)
	}
	return out
}
