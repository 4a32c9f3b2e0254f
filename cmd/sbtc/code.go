package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
)

// longSource is the assembly source from which on building takes so long that smaller budgets are worth a thought.
const longSource = 20 << 20

// printCode tells how much machine code the weights of layers became and, where the source is long, what smaller budgets
// would cost.
func printCode(w io.Writer, files []codegen.File) error {
	source := 0
	for _, f := range files {
		if strings.HasPrefix(f.Name, "layers") && strings.HasSuffix(f.Name, ".s") {
			source += len(f.Data)
		}
	}
	for _, f := range files {
		if f.Code == nil {
			continue
		}
		var avx512, avx2 int
		for _, c := range f.Code {
			if c.Twin == "" {
				avx512 += c.AVX512
				avx2 += c.AVX2
			}
		}
		if _, err := fmt.Fprintf(w, "%s: %d layers as code, %d bytes of source; %d bytes for AVX-512, %d for AVX2\n",
			f.Name, len(f.Code), source, avx512, avx2); err != nil {
			return err
		}
		if source < longSource {
			continue
		}
		for part := 2; part <= 8; part *= 2 {
			budget := (avx512 + avx2) / part
			if _, err := fmt.Fprintf(w, "--code-budget %d: loops do %.0f %% of their additions on AVX-512, %.0f %% on AVX2\n",
				budget, 100*looped(f.Code, budget, 0), 100*looped(f.Code, budget-avx512, 1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// looped is the share of the additions of layers that loops do if their code has a budget: for AVX-512 (0), or AVX2 (1).
func looped(layers []codegen.Coded, budget, set int) float64 {
	var all, loops float64
	coded := map[string]bool{}
	for _, c := range layers {
		work, size := float64(c.Adds)*float64(c.Panels), []int{c.AVX512, c.AVX2}[set]
		all += work
		switch {
		case c.Twin != "" && coded[c.Twin]:
		case c.Twin != "" || size == 0 || size > budget:
			loops += work
		default:
			budget -= size
			coded[c.Result] = true
		}
	}
	if all == 0 {
		return 0
	}
	return loops / all
}

// printPaths tells of each layer with weights in lists or code, and each attention that skips elements, on which paths it is
// code, of how many bytes, and the loop that computes it on others.
func printPaths(w io.Writer, c *check.Compiled) error {
	var coded []codegen.Coded
	for _, f := range c.Files {
		coded = append(coded, f.Code...)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "layer\tAVX-512\tAVX2\telse\tcode of")
	for _, n := range c.Graph.Nodes {
		_, loop := check.CodeOf(n)
		if loop == "" {
			continue
		}
		name, avx512, avx2, of := n.Out[0].Name, "", "", ""
		if i := slices.IndexFunc(coded, func(l codegen.Coded) bool {
			return l.Result == name || l.First == name || slices.Contains(l.Also, name)
		}); i >= 0 {
			avx512, avx2, of = bytesOf(coded[i].AVX512), bytesOf(coded[i].AVX2), coded[i].Twin
			if of == "" && coded[i].Result != name {
				of = coded[i].Result
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", strconv.QuoteToASCII(name), avx512, avx2, loop, of)
	}
	return t.Flush()
}

// bytesOf is a number of bytes, nothing for none.
func bytesOf(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
