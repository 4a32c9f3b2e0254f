package main

import (
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cheggaaa/pb/v3"
	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/lossy"
)

// lossyHelp says what the flags of lossyFlags do.
const lossyHelp = `What changes the results of the model happens only if it is asked for, after the portable passes, to the constant right
operands of MatMul:
  --prune      the smallest weights become 0, a share of DENSITY stays, in each layer, or with global:DENSITY of all
               layers together
  --binarize   weights become -a and +a, with an a for each output channel: the mean of their magnitudes. Weights that
               are 0, as pruned ones are, stay 0
  --ternarize  weights become -a, 0 and +a, with the a and the threshold for each output channel that give the smallest
               sum of squared errors
GLOB names layers by their result, node or weights, as dump prints them: * stands for anything but a slash, ** for any
number of elements between slashes ("**/linear1/**"). auto is every layer but the first, which no other comes before, the
last, which no other comes after, and such with fewer than 4 rows; it is what --prune works on. A GLOB wins over auto.

What that costs is printed on standard error. It is measured on --calib FILE.npz: arrays of N samples under the names of
the inputs, the samples along an axis before those of the input or along its first one; if there are any, targets
under the names of outputs, and class labels as "labels", int64[N]. The relative error of an output is the Euclidean norm
of the difference over that of the original, over all samples; of several outputs the largest counts. --max-loss X
changes layers in order of their sensitivity, the relative error that changing this layer alone makes, until the loss
exceeds X. The loss is
  - with labels, the accuracy that is lost (0.01: one label in a hundred)
  - else with targets, the growth of the mean squared error, relative to what it was (0.01: by one percent)
  - else the relative error of the outputs (0.01: one percent)`

// lossyFlags are those that change the results of a model.
type lossyFlags struct {
	binarize, ternarize []string
	prune, calib        string
	maxLoss             string
}

func (l *lossyFlags) addLossy(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&l.binarize, "binarize", nil, "make the weights of layers binary: none, auto or GLOB (may be repeated)")
	f.StringArrayVar(&l.ternarize, "ternarize", nil, "make the weights of layers ternary: auto or GLOB (may be repeated)")
	f.StringVar(&l.prune, "prune", "", "share of weights to keep, the largest: DENSITY in each layer or global:DENSITY")
	f.StringVar(&l.calib, "calib", "", "FILE.npz with samples to measure on what these three cost")
	f.StringVar(&l.maxLoss, "max-loss", "", "change layers, the least sensitive first, only as far as the loss allows")
}

// list is the flags as they are given.
func (l *lossyFlags) list() []string {
	var list []string
	for _, p := range l.binarize {
		list = append(list, "--binarize "+p)
	}
	for _, p := range l.ternarize {
		list = append(list, "--ternarize "+p)
	}
	for _, f := range []struct{ name, value string }{{"prune", l.prune}, {"calib", filepath.Base(l.calib)}, {"max-loss", l.maxLoss}} {
		if f.value != "" && f.value != "." {
			list = append(list, "--"+f.name+" "+f.value)
		}
	}
	return list
}

// change adds to opt what the flags ask for.
func (l *lossyFlags) change(cmd *cobra.Command, opt *check.Options) error {
	r, err := l.request()
	if err != nil {
		return err
	}
	asked := r.Binarize != nil || r.Ternarize != nil || r.Prune > 0
	switch {
	case !asked && l.calib != "":
		return usage("--calib needs --binarize, --ternarize or --prune, whose cost it measures")
	case !asked && l.maxLoss != "":
		return usage("--max-loss needs --binarize, --ternarize or --prune, whose cost it bounds")
	case !asked:
		return nil
	case l.maxLoss != "" && l.calib == "":
		return usage("--max-loss needs --calib FILE.npz: without samples the loss is unknown")
	case l.calib != "" && filepath.Ext(l.calib) != ".npz":
		return usage("--calib %s: want FILE.npz", l.calib)
	}
	c := &check.Lossy{Request: r}
	if l.calib != "" {
		if c.Calibration, err = npz.Read(l.calib); err != nil {
			return err
		}
	}
	c.Report = func(r *lossy.Report) { _ = r.WriteTable(cmd.ErrOrStderr()) }
	c.Progress = progress(cmd)
	opt.Lossy = c
	return nil
}

// progress shows a bar on a terminal.
func progress(cmd *cobra.Command) func(done, total int) {
	w := terminal(cmd.ErrOrStderr())
	if w == nil {
		return nil
	}
	var bar *pb.ProgressBar
	return func(done, total int) {
		if bar == nil {
			bar = pb.New(total).SetWriter(w).Set("prefix", "measuring ").Start()
		}
		if bar.SetCurrent(int64(done)); done == total {
			bar.Finish()
		}
	}
}

func (l *lossyFlags) request() (r lossy.Request, err error) {
	for _, p := range slices.Concat(l.binarize, l.ternarize) {
		if err := lossy.CheckPattern(p); err != nil || p == "" {
			return r, usage("%q is not a pattern of layers' names", p)
		}
	}
	r.Binarize = slices.DeleteFunc(slices.Clone(l.binarize), func(p string) bool { return p == "none" })
	if len(r.Binarize) == 0 {
		r.Binarize = nil
	} else if len(r.Binarize) < len(l.binarize) {
		return r, usage("--binarize none contradicts --binarize %s", r.Binarize[0])
	}
	r.Ternarize = l.ternarize
	if slices.Contains(r.Binarize, lossy.Auto) && slices.Contains(r.Ternarize, lossy.Auto) {
		return r, usage("--binarize auto and --ternarize auto mean the same layers; name those of one of them by a GLOB")
	}
	if l.prune != "" {
		text, global := strings.CutPrefix(l.prune, "global:")
		if r.Prune, err = strconv.ParseFloat(text, 64); err != nil || !(r.Prune > 0 && r.Prune <= 1) {
			return r, usage("--prune %s: want DENSITY or global:DENSITY, the share of weights to keep, above 0 and at most 1", l.prune)
		}
		r.Global = global
	}
	if l.maxLoss != "" {
		x, err := strconv.ParseFloat(l.maxLoss, 64)
		if err != nil || !(x >= 0) || math.IsInf(x, 0) {
			return r, usage("--max-loss %s: want a number, 0 or more", l.maxLoss)
		}
		r.MaxLoss = &x
	}
	return r, nil
}

// reference is what a compiled package is compared with.
func reference(opt check.Options) string {
	if opt.Lossy != nil {
		return "the model with changed weights"
	}
	return "the model"
}
