package main

import (
	"fmt"
	"io"
	"strings"

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
