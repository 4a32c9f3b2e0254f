package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Scan is https://onnx.ai/onnx/operators/onnx__Scan.html, version 25: it runs a graph for every index of the scanned
// axes. Inputs are the state, the scanned tensors and what the body captures; the body takes the state, a slice of each
// scanned tensor without the axis, and the captured values, and gives the next state and elements to stack. Directions
// of 1 scan, or stack, backward.
type Scan struct {
	Body             *ir.Graph `onnx:"body"`
	NumScanInputs    int       `onnx:"num_scan_inputs,0"`
	InputAxes        []int     `onnx:"scan_input_axes"`
	InputDirections  []int     `onnx:"scan_input_directions"`
	OutputAxes       []int     `onnx:"scan_output_axes"`
	OutputDirections []int     `onnx:"scan_output_directions"`
	Captures         int       `onnx:"sbtc_captures,0"`
}

// Name is the operator's ONNX name.
func (*Scan) Name() string { return "Scan" }

// option is element i of a list that may be absent.
func option(list []int, i int) int {
	if i < len(list) {
		return list[i]
	}
	return 0
}

// plan returns the number of states, the axis of each scanned input and the number of iterations, -1 where not known.
func (o *Scan) plan(in []ir.Type) (states int, from []int, steps int, err error) {
	if o.Body == nil {
		return 0, nil, 0, errors.New("attribute body is required")
	}
	scanned := o.NumScanInputs
	states = len(in) - scanned - o.Captures
	if scanned < 1 || states < 0 || len(o.Body.In) != len(in) || len(o.Body.Out) < states {
		return 0, nil, 0, fmt.Errorf("num_scan_inputs is %d for %d inputs; the body %s has %d inputs and %d results",
			scanned, len(in), o.Body.Name, len(o.Body.In), len(o.Body.Out))
	}
	steps = -1
	for i := range scanned {
		t := in[states+i]
		if t.NoRank {
			from = append(from, option(o.InputAxes, i))
			continue
		}
		a, err := axisOf(option(o.InputAxes, i), len(t.Shape))
		if err != nil {
			return 0, nil, 0, fmt.Errorf("attribute scan_input_axes: %w", err)
		}
		from = append(from, a)
		switch d := t.Shape[a]; {
		case steps < 0:
			steps = d
		case d >= 0 && d != steps:
			return 0, nil, 0, fmt.Errorf("scanned input %d has %d elements along its axis, another has %d", i, d, steps)
		}
	}
	return states, from, steps, nil
}

// outAxis is where the elements of stacked result k, of the given rank, are stacked.
func (o *Scan) outAxis(k, rank int) (int, error) {
	a, err := axisOf(option(o.OutputAxes, k), rank+1)
	if err != nil {
		return 0, fmt.Errorf("attribute scan_output_axes: %w", err)
	}
	return a, nil
}

// Infer joins the state before and after, and stacks the rest.
func (o *Scan) Infer(in []*ir.Value) ([]ir.Type, error) {
	types := make([]ir.Type, len(in))
	for i, v := range in {
		if v == nil {
			return nil, fmt.Errorf("input %d is required", i)
		}
		types[i] = v.Type
	}
	states, from, steps, err := o.plan(types)
	if err != nil {
		return nil, err
	}
	args := slices.Clone(in)
	for i, a := range from {
		t := types[states+i]
		if !t.NoRank {
			t.Shape = slices.Delete(slices.Clone(t.Shape), a, a+1)
		}
		args[states+i] = &ir.Value{Name: "slice", Type: t}
	}
	var out []ir.Type
	for i, t := range carriedTypes(o.Body, args, 0, 0, states) {
		switch {
		case i >= states && t.NoRank:
			out = append(out, t)
		case i >= states:
			a, err := o.outAxis(i-states, len(t.Shape))
			if err != nil {
				return nil, err
			}
			out = append(out, stackedType(t, steps, a))
		case t.DType != types[i].DType:
			return nil, fmt.Errorf("state %d begins as %v, the body gives %v", i, types[i], t)
		default:
			out = append(out, commonType(types[i], t))
		}
	}
	return out, nil
}

// sliceAt is t at one index of an axis, without the axis.
func sliceAt(t *ir.Tensor, axis, i int) *ir.Tensor {
	inner, n := ir.Size(t.Shape[axis+1:]), t.Shape[axis]
	shape := slices.Delete(slices.Clone(t.Shape), axis, axis+1)
	return t.Gather(shape, func(k int) int { return (k/inner*n+i)*inner + k%inner })
}

// Eval runs the body.
func (o *Scan) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	states, from, steps, err := o.plan(eachTensor(in, (*ir.Tensor).Type))
	if err != nil {
		return nil, err
	}
	state, scanned, captured := in[:states], in[states:states+o.NumScanInputs], in[states+o.NumScanInputs:]
	stacks := make([][]*ir.Tensor, len(o.Body.Out)-states)
	for i := range steps {
		args := slices.Clone(state)
		for k, t := range scanned {
			args = append(args, sliceAt(t, from[k], o.index(k, i, steps)))
		}
		out, err := o.Body.Eval(append(args, captured...))
		if err != nil {
			return nil, fmt.Errorf("iteration %d: %w", i, err)
		}
		state = out[:states]
		for k := range stacks {
			stacks[k] = append(stacks[k], out[states+k])
		}
	}
	out := slices.Clone(state)
	for k, list := range stacks {
		if option(o.OutputDirections, k) == 1 {
			slices.Reverse(list)
		}
		elem := o.Body.Out[states+k].Type
		if len(list) > 0 {
			elem = list[0].Type()
		}
		a, err := o.outAxis(k, len(elem.Shape))
		if err != nil {
			return nil, err
		}
		out = append(out, stack(list, elem, a))
	}
	return out, nil
}

// index is where scanned input k is read in iteration i.
func (o *Scan) index(k, i, steps int) int {
	if option(o.InputDirections, k) == 1 {
		return steps - 1 - i
	}
	return i
}

// Lower unrolls.
func (o *Scan) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	types := make([]ir.Type, len(n.In))
	for i, v := range n.In {
		types[i] = v.Type
	}
	states, from, steps, err := o.plan(types)
	if err != nil {
		return nil, err
	}
	state, scanned, captured := n.In[:states], n.In[states:states+o.NumScanInputs], n.In[states+o.NumScanInputs:]
	l := &inliner{b: b}
	stacks := make([][]*ir.Value, len(o.Body.Out)-states)
	for i := range steps {
		args := slices.Clone(state)
		for k, v := range scanned {
			shape := v.Type.Shape
			strides := ir.Strides(shape)
			off := o.index(k, i, steps) * strides[from[k]]
			args = append(args, low.Box(b, v, slices.Delete(slices.Clone(shape), from[k], from[k]+1), off, slices.Delete(strides, from[k], from[k]+1)))
		}
		out, err := l.graph(o.Body, append(args, captured...))
		if err != nil {
			return nil, err
		}
		state = out[:states]
		for k := range stacks {
			stacks[k] = append(stacks[k], out[states+k])
		}
	}
	out := slices.Clone(state)
	for k, list := range stacks {
		if option(o.OutputDirections, k) == 1 {
			slices.Reverse(list)
		}
		if len(list) == 0 {
			t := n.Out[states+k].Type
			out = append(out, low.Copy(b, b.Const(ir.NewTensor(t.DType, t.Shape...)), t.Shape...))
			continue
		}
		a, err := o.outAxis(k, len(list[0].Type.Shape))
		if err != nil {
			return nil, err
		}
		out = append(out, stackValues(b, list, a))
	}
	return ownResults(b, out[:len(n.Out)]), nil
}
