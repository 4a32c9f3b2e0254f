package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var rnn = []Def{
	{Name: "LSTM", Since: 22, From: 7, In: Arity{3, 8}, Out: Arity{0, 3},
		Types: []Types{Floats, Floats, Floats, Floats, Of(ir.Int32), Floats}, Proto: &LSTM{}},
	{Name: "LSTM", Since: 1, In: Arity{3, 8}, Out: Arity{0, 3}, Upgrade: upgradeRecurrent},
	{Name: "GRU", Since: 22, From: 7, In: Arity{3, 6}, Out: Arity{0, 2},
		Types: []Types{Floats, Floats, Floats, Floats, Of(ir.Int32), Floats}, Proto: &GRU{}},
	{Name: "GRU", Since: 1, In: Arity{3, 6}, Out: Arity{0, 2}, Upgrade: upgradeRecurrent},
	{Name: "RNN", Since: 22, From: 7, In: Arity{3, 6}, Out: Arity{0, 2},
		Types: []Types{Floats, Floats, Floats, Floats, Of(ir.Int32), Floats}, Proto: &RNN{}},
	{Name: "RNN", Since: 1, In: Arity{3, 6}, Out: Arity{0, 2}, Upgrade: upgradeRecurrent},
}

// upgradeRecurrent drops a flag without meaning here: all outputs are optional.
func upgradeRecurrent(_ *ir.Builder, n *Raw) ([]*ir.Value, error) {
	Take(n, "output_sequence", int64(0))
	return nil, nil
}

// Recurrent is the attributes that LSTM, GRU and RNN share. All compute in float64: a gate is a sum from its two biases
// over the inputs, then over the hidden state, in increasing index; the state is rounded only in results. Outputs past
// the end of a sequence are 0.
type Recurrent struct {
	Alpha       []float32 `onnx:"activation_alpha"`
	Beta        []float32 `onnx:"activation_beta"`
	Activations []string  `onnx:"activations"`
	Clip        float32   `onnx:"clip,0"`
	Direction   string    `onnx:"direction,forward"`
	HiddenSize  int       `onnx:"hidden_size,0"`
	Layout      int       `onnx:"layout,0"`
	// Work asks for one more result, the room that compiled code needs: float64, left as zeros.
	Work bool `onnx:"sbtc_work,0"`
}

// Inputs of recurrent operators; the last two are those of LSTM.
const (
	rnnX = iota
	rnnW
	rnnR
	rnnB
	rnnLens
	rnnH
	rnnC
	rnnP
)

// rnnSizes are the lengths of a recurrent operator; -1 where not known.
type rnnSizes struct{ seq, batch, input, hidden, dirs int }

func (o *Recurrent) sizes(x, r []int) rnnSizes {
	z := rnnSizes{seq: x[o.Layout], batch: x[1-o.Layout], input: x[2], hidden: r[2], dirs: 1}
	if o.Direction == "bidirectional" {
		z.dirs = 2
	}
	return z
}

// infer checks inputs of a cell with gates gates and states states, and returns the types of the sequence and of each
// state.
func (o *Recurrent) infer(in []*ir.Value, gates, states int, defaults []string) ([]ir.Type, error) {
	for i, v := range in {
		if v != nil && i != rnnLens && v.Type.DType != in[0].Type.DType {
			return nil, fmt.Errorf("input %d is %v, X is %v; they must have one element type", i, v.Type.DType, in[0].Type.DType)
		}
	}
	switch o.Direction {
	case "forward", "reverse", "bidirectional":
	default:
		return nil, fmt.Errorf("attribute direction is %q, wanted forward, reverse or bidirectional", o.Direction)
	}
	if o.Layout < 0 || o.Layout > 1 || o.Clip < 0 {
		return nil, fmt.Errorf("attributes layout %d and clip %v; layout is 0 or 1, clip not negative", o.Layout, o.Clip)
	}
	x, w, r := in[rnnX].Type, in[rnnW].Type, in[rnnR].Type
	d := x.DType
	if x.NoRank || w.NoRank || r.NoRank {
		return openTypes(d, 1+states), nil
	}
	if len(x.Shape) != 3 || len(r.Shape) != 3 {
		return nil, fmt.Errorf("X is %v, R is %v; both must have 3 axes", x, r)
	}
	z := o.sizes(x.Shape, r.Shape)
	if o.HiddenSize > 0 && z.hidden >= 0 && o.HiddenSize != z.hidden {
		return nil, fmt.Errorf("attribute hidden_size is %d, R is %v", o.HiddenSize, r)
	}
	if _, err := o.functions(z.dirs, defaults); err != nil {
		return nil, err
	}
	times := func(n, k int) int {
		if n < 0 {
			return n
		}
		return n * k
	}
	state := []int{z.dirs, z.batch, z.hidden}
	seq := []int{z.seq, z.dirs, z.batch, z.hidden}
	if o.Layout == 1 {
		state = []int{z.batch, z.dirs, z.hidden}
		seq = []int{z.batch, z.seq, z.dirs, z.hidden}
	}
	want := [][]int{x.Shape, {z.dirs, times(z.hidden, gates), z.input}, {z.dirs, times(z.hidden, gates), z.hidden},
		{z.dirs, times(z.hidden, 2*gates)}, {z.batch}, state, state, {z.dirs, times(z.hidden, gates-1)}}
	for i, v := range in {
		if v == nil || v.Type.NoRank {
			continue
		}
		ok := len(v.Type.Shape) == len(want[i])
		for k := 0; ok && k < len(want[i]); k++ {
			a, b := v.Type.Shape[k], want[i][k]
			ok = a == b || a < 0 || b < 0
		}
		if !ok {
			return nil, fmt.Errorf("input %d is %v, wanted the shape %v", i, v.Type, want[i])
		}
	}
	types := []ir.Type{{DType: d, Shape: seq}}
	for range states {
		types = append(types, ir.Type{DType: d, Shape: state})
	}
	if o.Work {
		types = append(types, ir.Type{DType: ir.Float64, Shape: []int{(gates + 2) * z.hidden}})
	}
	return types, nil
}

// gateFunc is a function of a gate with its parameters.
type gateFunc struct {
	code        int // its place in activationNames
	alpha, beta float64
}

// activationNames are in the order of their codes, in lower case.
var activationNames = []string{"relu", "tanh", "sigmoid", "affine", "leakyrelu", "thresholdedrelu", "scaledtanh",
	"hardsigmoid", "elu", "softsign", "softplus"}

// functions lists the activations of every direction. Each function that has parameters takes the next of the lists.
func (o *Recurrent) functions(dirs int, defaults []string) ([]gateFunc, error) {
	names := o.Activations
	if len(names) == 0 {
		names = slices.Repeat(defaults, dirs)
	}
	if len(names) < dirs*len(defaults) {
		return nil, fmt.Errorf("attribute activations is %q, wanted %d functions", o.Activations, dirs*len(defaults))
	}
	alpha, beta := o.Alpha, o.Beta
	take := func(list *[]float32, def float64) float64 {
		if len(*list) == 0 {
			return def
		}
		v := (*list)[0]
		*list = (*list)[1:]
		return float64(v)
	}
	var out []gateFunc
	for _, name := range names[:dirs*len(defaults)] {
		a := gateFunc{code: slices.Index(activationNames, strings.ToLower(name))}
		switch strings.ToLower(name) {
		case "affine":
			a.alpha, a.beta = take(&alpha, 1), take(&beta, 0)
		case "leakyrelu":
			a.alpha = take(&alpha, float64(float32(0.01)))
		case "thresholdedrelu", "elu":
			a.alpha = take(&alpha, 1)
		case "scaledtanh":
			a.alpha, a.beta = take(&alpha, 1), take(&beta, 1)
		case "hardsigmoid":
			a.alpha, a.beta = take(&alpha, float64(float32(0.2))), take(&beta, 0.5)
		}
		if a.code < 0 {
			return nil, fmt.Errorf("attribute activations: %q is not one of %q", name, activationNames)
		}
		out = append(out, a)
	}
	return out, nil
}

// apply clips x if clip is positive and applies the function.
func (a gateFunc) apply(x, clip float64) float64 {
	if clip > 0 {
		x = min(max(x, -clip), clip)
	}
	switch activationNames[a.code] {
	case "relu":
		return max(x, 0)
	case "tanh":
		return low.Tanh64(x)
	case "sigmoid":
		return low.Sigmoid64(x)
	case "affine":
		return float64(a.alpha*x) + a.beta
	case "leakyrelu":
		if x < 0 {
			return float64(a.alpha * x)
		}
		return x
	case "thresholdedrelu":
		if x < a.alpha {
			return 0
		}
		return x
	case "scaledtanh":
		return float64(a.alpha * low.Tanh64(float64(a.beta*x)))
	case "hardsigmoid":
		return min(max(float64(a.alpha*x)+a.beta, 0), 1)
	case "elu":
		if x < 0 {
			return float64(a.alpha * low.Expm164(x))
		}
		return x
	case "softsign":
		return x / (1 + max(x, -x))
	}
	return low.Softplus64(x)
}
