package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/lossy"
	"github.com/sbtc-go/sbtc/passes"
	"github.com/sbtc-go/sbtc/tune"
)

// strategyHelp says what the flags of strategyFlags do.
const strategyHelp = `Layers with ternary weights become machine code, with the weights in the instructions, where a cost model finds that
faster. All of a package takes at most --code-budget bytes: AVX-512 first, AVX2 what is left; inspect and compile -v show what
is code on which path. With --optimize cold code and
weights are expected to come from memory at each run. --strategy says how to compute the layers that GLOB names by their
results, as inspect prints them (* stands for anything but a slash, ** for any number of elements between slashes); of
several that name a layer the last one wins:
  rt      ternary weights and panels of 16 rows: register tiles, with sums of two or three rows, as code
  4r      ternary weights and panels of 16 rows: tables of the sums of 3 or 4 rows, as code
  perm    ternary weights and one row, or few: tables of the sums of 3 rows
  loop    ternary or sparse weights: lists of those that are not zero
  sparse  the same for weights of any value
  dense   every product`

// strategyFlags are those that choose the kernels of layers.
type strategyFlags struct {
	strategies              []string
	budget, optimize, tuned string
	measured                *tune.File // what the file tuned holds
}

const hot, cold = "hot", "cold"

func (s *strategyFlags) addStrategy(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&s.strategies, "strategy", nil, "GLOB=dense|sparse|rt|4r|perm|loop: how to compute layers (may be repeated)")
	f.StringVar(&s.budget, "code-budget", "16MiB", "machine code for the weights of layers: bytes, or KiB or MiB; 0 for none")
	f.StringVar(&s.tuned, "tuned", "", "FILE that compile --tune wrote: compute layers as was measured, where no --strategy names them")
	f.StringVar(&s.optimize, "optimize", hot, "hot, or cold: for runs that find code and weights in memory, not in caches")
}

// list is the flags as they are given, if they are.
func (s *strategyFlags) list(cmd *cobra.Command) (list []string) {
	for _, v := range s.strategies {
		list = append(list, "--strategy "+v)
	}
	for _, name := range []string{"code-budget", "optimize"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			list = append(list, "--"+name+" "+f.Value.String())
		}
	}
	if s.tuned != "" {
		list = append(list, "--tuned "+filepath.Base(s.tuned))
	}
	return list
}

// choose adds to opt what the flags say.
func (s *strategyFlags) choose(opt *check.Options) error {
	c := &opt.Choice
	budget, ok := parseSize(s.budget)
	switch {
	case !ok:
		return usage("--code-budget %s: want bytes, or KiB or MiB, such as 4MiB", s.budget)
	case budget == 0:
		budget = -1
	}
	c.Budget = budget
	if s.optimize != hot && s.optimize != cold {
		return usage("--optimize %s: want hot or cold", s.optimize)
	}
	c.Cold = s.optimize == cold
	for _, v := range s.strategies {
		i := strings.LastIndex(v, "=")
		if i <= 0 || !slices.Contains(passes.Strategies, v[i+1:]) {
			return usage("--strategy %s: want GLOB=%s", v, strings.Join(passes.Strategies, "|"))
		}
		glob := v[:i]
		if err := lossy.CheckPattern(glob); err != nil {
			return usage("--strategy %s: %v", v, err)
		}
		match := func(layer string) bool { return lossy.Match(glob, layer) }
		c.Override = append(c.Override, passes.Override{Glob: glob, Match: match, Strategy: v[i+1:]})
	}
	if s.tuned == "" {
		return nil
	}
	var err error
	if s.measured, err = tune.Read(s.tuned); err != nil {
		return err
	}
	useTuned(opt, s.measured, s.tuned)
	return nil
}

// useTuned lets layers be computed as was measured. Which of them are not is said once each.
func useTuned(opt *check.Options, file *tune.File, name string) {
	opt.Choice.Tuned = file.Plans()
	warn := opt.Warn
	said := map[string]bool{}
	opt.Choice.TunedTo = func(layer string, err error) {
		if err != nil && !said[layer] {
			said[layer] = true
			warn(fmt.Sprintf("%s: layer %+q is computed as the cost model says: %v; compile --tune measures again", name, layer, err))
		}
	}
}

// parseSize reads a number of bytes.
func parseSize(s string) (int, bool) {
	digits, unit := s, 1
	for suffix, u := range map[string]int{"KiB": 1 << 10, "KB": 1 << 10, "MiB": 1 << 20, "MB": 1 << 20} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			digits, unit = n, u // no other suffix fits
		}
	}
	n, err := strconv.Atoi(digits)
	return n * unit, err == nil && n >= 0 && n <= 1<<40/unit
}
