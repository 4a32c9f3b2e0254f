package check

import (
	"errors"
	"fmt"
	"strconv"
)

// Paper is the settings of a sparse binary transformer, as its model's metadata states them (sbt.task and so on): m
// channels, w steps, d features, h heads, ff hidden features, L layers; of the sparse model the fraction k of weights
// that are kept and, in classification, p_a of the activations of queries, keys and values.
type Paper struct {
	Task    string // classification, anomaly or forecast
	M, W, D int
	H, FF   int
	L       int
	Classes int     // classification only
	K, PA   float64 // 0: not stated, as in a dense model
}

// PaperCounts are sizes and work as the paper on sparse binary transformers (arXiv 2308.04637) counts them. They are no
// measure of what a program stores or does: a ternary weight is one bit, biases and the encoding of positions are left
// out of the sparse model, and of all layers only the projections to queries, keys and values are multiplied by the
// number of steps.
type PaperCounts struct {
	ParamsDense int  `json:"params_dense"`
	BitsDense   int  `json:"bits_dense"`
	FlopsDense  int  `json:"flops_dense"`
	ParamsSBT   *int `json:"params_sbt,omitempty"` // nil, as are all of the sparse model, where the density is not stated
	NonZeroSBT  *int `json:"nonzero_sbt,omitempty"`
	BitsSBT     *int `json:"bits_sbt,omitempty"`
	FlopsSBT    *int `json:"flops_sbt,omitempty"`
}

// learnedSteps is the number of rows of the learned encoding of positions in the dense classifiers.
const learnedSteps = 1024

// maxSetting bounds what a model may claim, so that no count overflows.
const maxSetting = 1 << 14

// paperOf reads the settings of a model's metadata; nil if it has none.
func paperOf(meta map[string]string) (*Paper, error) {
	if meta["sbt.task"] == "" {
		return nil, nil
	}
	p := &Paper{Task: meta["sbt.task"]}
	var errs []error
	for _, f := range []struct {
		key string
		to  *int
	}{{"m", &p.M}, {"w", &p.W}, {"d", &p.D}, {"h", &p.H}, {"ff", &p.FF}, {"L", &p.L}, {"classes", &p.Classes}} {
		text, ok := meta["sbt."+f.key]
		if f.key == "classes" && p.Task != "classification" && !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxSetting {
			errs = append(errs, fmt.Errorf("sbt.%s is %q, wanted a number from 1 to %d", f.key, text, maxSetting))
		}
		*f.to = n
	}
	for _, f := range []struct {
		key string
		to  *float64
	}{{"k", &p.K}, {"p_a", &p.PA}} {
		text, ok := meta["sbt."+f.key]
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x > 0 && x <= 1) {
			errs = append(errs, fmt.Errorf("sbt.%s is %q, wanted a number above 0 and at most 1", f.key, text))
		}
		*f.to = x
	}
	if t := p.Task; t != "classification" && t != "anomaly" && t != "forecast" {
		errs = append(errs, fmt.Errorf("sbt.task is %q, wanted classification, anomaly or forecast", t))
	}
	if p.H > 0 && p.D%p.H != 0 {
		errs = append(errs, fmt.Errorf("sbt.d is %d, which does not divide into sbt.h = %d heads", p.D, p.H))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// Counts applies the paper's rules.
func (p *Paper) Counts() *PaperCounts {
	c := &PaperCounts{ParamsDense: p.paramsDense(), FlopsDense: p.flopsDense()}
	c.BitsDense = 32 * c.ParamsDense
	if p.K > 0 && (p.Task != "classification" || p.PA > 0) {
		params, nonzero, bits := p.sizeSBT()
		flops := p.flopsSBT()
		c.ParamsSBT, c.NonZeroSBT, c.BitsSBT, c.FlopsSBT = &params, &nonzero, &bits, &flops
	}
	return c
}

func (p *Paper) out() int {
	if p.Task == "classification" {
		return p.Classes
	}
	return p.M
}

// part is the fraction f of n, rounded down.
func part(f float64, n int) int { return int(f * float64(n)) }

// paramsDense counts weights and biases, scale and shift of norms, and in classification the learned encoding of
// positions, all of its rows.
func (p *Paper) paramsDense() int {
	linear := func(in, out int) int { return in*out + out }
	norm := 2 * p.W
	if p.Task == "classification" {
		norm = 2 * p.D
	}
	n := linear(p.M, p.D) + linear(p.D, p.out()) +
		p.L*(4*linear(p.D, p.D)+linear(p.D, p.FF)+linear(p.FF, p.D)+2*norm)
	if p.Task == "classification" {
		n += learnedSteps * p.D
	}
	return n
}

// sizeSBT counts weights, and scales of norms: one bit each, but 32 for those of the classifiers' batch norms, which are
// not pruned.
func (p *Paper) sizeSBT() (params, nonzero, bits int) {
	add := func(n, times int) {
		params += times * n
		nonzero += times * part(p.K, n)
		bits += times * n
	}
	add(p.M*p.D, 1)
	add(p.D*p.out(), 1)
	add(p.D*p.D, 4*p.L)
	add(p.D*p.FF, 2*p.L)
	switch p.Task {
	case "classification":
		n := 2 * p.L * p.D
		params, nonzero, bits = params+n, nonzero+n, bits+32*n
	case "forecast":
		n := 2 * p.L * p.W
		params, nonzero, bits = params+n, nonzero+2*p.L*part(0.5, p.W), bits+n
	}
	return params, nonzero, bits
}

// flopsDense counts a multiply-add as one.
func (p *Paper) flopsDense() int {
	dh := p.D / p.H
	attention := p.W*p.D + p.H*(p.W*p.W*dh+p.W*p.W+p.W*p.W*dh)
	layer := 3*p.D*p.D*p.W + attention + p.D*p.D + 2*p.D*p.FF
	n := p.M*p.D + p.D*p.out()
	if p.Task != "classification" {
		layer += 2 * 2 * p.D * p.W
		n += p.W * p.D
	}
	return n + p.L*layer
}

func (p *Paper) flopsSBT() int {
	dh := p.D / p.H
	layer := 3*part(p.K, p.D*p.D*p.W) + part(p.K, p.D*p.D) + 2*part(p.K, p.D*p.FF)
	if p.Task == "classification" {
		kept := part(p.PA, p.W)
		layer += int(p.PA*float64(p.W*p.D) + float64(3*p.W*p.D+p.H*(kept*kept*dh+p.W*p.W+p.W*kept*dh)))
	} else {
		layer += p.W*p.D + p.H*(2*(p.W-1)*dh+p.W)
	}
	if p.Task == "forecast" {
		layer += 2 * part(0.5, p.D*p.W)
	}
	return part(p.K, p.M*p.D) + part(p.K, p.D*p.out()) + p.W*p.D + p.L*layer
}
