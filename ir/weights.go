package ir

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Weights says what the elements of a constant are, seen as a matrix of its last axis.
type Weights struct {
	// Kind is dense; sparse, where some elements are zero; ternary, where all are -a, 0 or +a with one a for the whole
	// constant, for each column or for each row; or binary, which is ternary without zeros. Zeros have either sign.
	Kind    string
	NonZero int
	By      string    // of ternary and binary constants, what has an a: tensor, column or row
	Scales  []float64 // the a's: one, by column, or by row; 0 for columns and rows of zeros
}

// minWeights is the number of elements below which nothing is said of a constant.
const minWeights = 8

// minGroup is the number of elements that must share a scale: few values are equal up to sign by chance.
const minGroup = 4

// Weights looks at all elements.
func (t *Tensor) Weights() Weights {
	w := Weights{Kind: "dense", NonZero: t.Len()}
	if !t.DType.IsFloat() && t.DType != Int8 || t.Len() < minWeights { // indices and the like are no weights
		return w
	}
	x := t.Floats()
	for _, v := range x {
		if math.IsInf(v, 0) || math.IsNaN(v) { // a mask
			return Weights{Kind: "dense", NonZero: len(x)}
		}
		if v == 0 {
			w.NonZero--
		}
	}
	if w.NonZero < len(x) {
		w.Kind = "sparse"
	}
	rows, cols := t.Type().Rows(), t.Type().Features()
	for _, by := range []struct {
		name         string
		groups, size int
		of           func(i int) int
	}{
		{"tensor", 1, len(x), func(int) int { return 0 }},
		{"column", cols, rows, func(i int) int { return i % cols }},
		{"row", rows, cols, func(i int) int { return i / cols }},
	} {
		if len(t.Shape) < 2 || by.size < minGroup || w.NonZero == 0 {
			continue
		}
		if s := scalesOf(x, by.groups, by.of); s != nil {
			w.By, w.Scales = by.name, s
			if w.Kind = "ternary"; w.NonZero == len(x) {
				w.Kind = "binary"
			}
			return w
		}
	}
	return w
}

// scalesOf is the absolute value that the nonzero elements of each group share, nil if in one they share none.
func scalesOf(x []float64, groups int, of func(i int) int) []float64 {
	a := make([]float64, groups)
	for i, v := range x {
		switch g, m := of(i), math.Abs(v); {
		case m == 0:
		case a[g] == 0:
			a[g] = m
		case a[g] != m:
			return nil
		}
	}
	return a
}

// String says in words what the constant holds.
func (w Weights) String() string {
	switch {
	case w.Scales == nil:
		return w.Kind
	case w.By == "tensor":
		return fmt.Sprintf("%s %.6g", w.Kind, w.Scales[0])
	}
	var groups []float64 // of neighbours with one scale; those without elements belong to any
	for _, a := range w.Scales {
		if a != 0 && (len(groups) == 0 || groups[len(groups)-1] != a) {
			groups = append(groups, a)
		}
	}
	if len(groups) <= 8 {
		s := w.Kind
		for i, a := range groups {
			s += fmt.Sprintf("%s%.6g", []string{" ", " | "}[min(i, 1)], a)
		}
		return s + " by " + w.By
	}
	return fmt.Sprintf("%s %.6g..%.6g by %s", w.Kind, slices.Min(groups), slices.Max(groups), w.By)
}

// hollow reports whether at least a quarter of t is zeros.
func (w Weights) hollow(t *Tensor) bool { return 4*w.NonZero <= 3*t.Len() }

// describe is the comment on a constant: its type, and of matrices that are not dense kind, scale and density.
func (t *Tensor) describe() string {
	s := t.Type().String()
	if len(t.Shape) < 2 {
		return s
	}
	w := t.Weights()
	if w.Kind == "dense" || w.Kind == "sparse" && !w.hollow(t) {
		return s
	}
	return fmt.Sprintf("%s %v, %.1f %%", s, w, 100*float64(w.NonZero)/float64(t.Len()))
}

// compact writes a large matrix that is ternary or sparse as the operator that makes it, "" for others.
func (t *Tensor) compact() string {
	w := t.Weights()
	shape := attrText(t.Shape)
	switch {
	case w.Scales != nil:
		d := ""
		if w.By != "tensor" {
			d = fmt.Sprintf(", by=%q", w.By)
		}
		x, data := t.Floats(), make([]byte, (t.Len()+3)/4)
		for i, v := range x {
			data[i/4] |= trit(v) << (i % 4 * 2)
		}
		return fmt.Sprintf("sbtc.Ternary<dtype=%q, shape=%s%s, scale=%s, data=%q>()", t.DType, shape, d, attrText(w.Scales), base64.StdEncoding.EncodeToString(data))
	case w.Kind == "sparse" && w.hollow(t):
		pattern, values := make([]byte, (t.Len()+7)/8), []int(nil)
		for i, v := range t.Floats() {
			if v != 0 || math.Signbit(v) {
				pattern[i/8] |= 1 << (i % 8)
				values = append(values, i)
			}
		}
		b := t.Gather([]int{len(values)}, func(i int) int { return values[i] }).bytes()
		e := base64.StdEncoding
		return fmt.Sprintf("sbtc.Sparse<dtype=%q, shape=%s, pattern=%q, data=%q>()", t.DType, shape, e.EncodeToString(pattern), e.EncodeToString(b))
	}
	return ""
}

// The two bits of an element of sbtc.Ternary: one for the sign, one for what is not zero.
const (
	tritNonZero = 1
	tritMinus   = 2
)

func trit(v float64) (b byte) {
	if v != 0 {
		b = tritNonZero
	}
	if math.Signbit(v) {
		b |= tritMinus
	}
	return b
}

// ternary is the operator sbtc.Ternary: a large ternary or binary constant, four elements to a byte, in base64.
type ternary struct {
	DType DType     `onnx:"dtype,1"`
	Shape []int     `onnx:"shape"`
	By    string    `onnx:"by,tensor"`
	Scale []float64 `onnx:"scale"`
	Data  string    `onnx:"data"`
}

func (*ternary) Name() string { return "sbtc.Ternary" }

func (r *ternary) Infer([]*Value) ([]Type, error) {
	return (&Rand{DType: r.DType, Shape: r.Shape}).Infer(nil)
}

func (r *ternary) Eval([]*Tensor) ([]*Tensor, error) {
	b, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		return nil, err
	}
	if !SizeAtMost(r.Shape, 4*len(b)) {
		return nil, errors.New("too little data")
	}
	n, cols := Size(r.Shape), Type{Shape: r.Shape}.Features()
	groups := map[string]int{"tensor": 1, "column": cols, "row": n / max(cols, 1)}[r.By]
	if groups == 0 || len(r.Scale) != groups {
		return nil, fmt.Errorf("%d scales by %q", len(r.Scale), r.By)
	}
	x := make([]float64, n)
	for i := range x {
		a := r.Scale[0]
		switch r.By {
		case "column":
			a = r.Scale[i%cols]
		case "row":
			a = r.Scale[i/cols]
		}
		bits := b[i/4] >> (i % 4 * 2)
		if bits&tritNonZero == 0 {
			a = 0
		}
		if x[i] = a; bits&tritMinus != 0 {
			x[i] = math.Copysign(a, -1)
		}
	}
	return []*Tensor{FromFloats(r.DType, r.Shape, x)}, nil
}

// sparse is the operator sbtc.Sparse: a large constant with many zeros. Pattern has a bit for each element, data those
// of which it is set, both in base64.
type sparse struct {
	DType   DType  `onnx:"dtype"`
	Shape   []int  `onnx:"shape"`
	Pattern string `onnx:"pattern"`
	Data    string `onnx:"data"`
}

func (*sparse) Name() string { return "sbtc.Sparse" }

func (r *sparse) Infer([]*Value) ([]Type, error) {
	return (&Rand{DType: r.DType, Shape: r.Shape}).Infer(nil)
}

func (r *sparse) Eval([]*Tensor) ([]*Tensor, error) {
	pattern, err := base64.StdEncoding.DecodeString(r.Pattern)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		return nil, err
	}
	if !SizeAtMost(r.Shape, 8*len(pattern)) {
		return nil, errors.New("too little data")
	}
	at, n := make([]int, Size(r.Shape)), 0
	for i := range at {
		if at[i] = -1; pattern[i/8]>>(i%8)&1 != 0 {
			at[i] = n
			n++
		}
	}
	if n > len(b) {
		return nil, errors.New("too little data")
	}
	values := NewTensor(r.DType, n)
	if err := values.setBytes(b); err != nil {
		return nil, err
	}
	return []*Tensor{values.Gather(r.Shape, func(i int) int { return at[i] })}, nil
}
