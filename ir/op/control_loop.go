package op

import (
	"errors"
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Loop is https://onnx.ai/onnx/operators/onnx__Loop.html, version 25: it runs a graph while the condition holds, at most
// M times. The body takes the iteration number, the condition, the state and what it captures (the last inputs of the
// node), and gives the next condition, the next state, and elements that are stacked along a new first axis.
type Loop struct {
	Body     *ir.Graph `onnx:"body"`
	Captures int       `onnx:"sbtc_captures,0"`
}

// Name is the operator's ONNX name.
func (*Loop) Name() string { return "Loop" }

// states is the number of values carried from one iteration to the next.
func (o *Loop) states(inputs int) int { return inputs - 2 - o.Captures }

// Infer joins what the state begins with and what the body makes of it.
func (o *Loop) Infer(in []*ir.Value) ([]ir.Type, error) {
	n := o.states(len(in))
	if o.Body == nil {
		return nil, errors.New("attribute body is required")
	}
	if n < 0 || len(o.Body.In) != len(in) || len(o.Body.Out) < 1+n {
		return nil, fmt.Errorf("the body %s has %d inputs and %d results, the node %d inputs", o.Body.Name, len(o.Body.In), len(o.Body.Out), len(in))
	}
	args := []*ir.Value{{Name: "iteration", Type: ir.Type{DType: ir.Int64}}, {Name: "condition", Type: ir.Type{DType: ir.Bool}}}
	for i, v := range in[2:] {
		if v == nil {
			return nil, fmt.Errorf("input %d is required", 2+i)
		}
		args = append(args, v)
	}
	body := carriedTypes(o.Body, args, 2, 1, n)[1:]
	types := make([]ir.Type, 0, len(body))
	for i, t := range body {
		if i >= n {
			types = append(types, stackedType(t, -1, 0))
			continue
		}
		s := in[2+i].Type
		if s.DType != t.DType {
			return nil, fmt.Errorf("state %d begins as %v, the body gives %v", i, s, t)
		}
		types = append(types, commonType(s, t))
	}
	return types, nil
}

// stackedType is the type of n elements stacked along an axis that is counted in the result.
func stackedType(t ir.Type, n, axis int) ir.Type {
	if t.NoRank {
		return t
	}
	shape := append(append(append([]int{}, t.Shape[:axis]...), n), t.Shape[axis:]...)
	return ir.Type{DType: t.DType, Shape: shape}
}

// stack joins tensors along a new axis; of none, elem says what they would be, unknown lengths counting as 0.
func stack(list []*ir.Tensor, elem ir.Type, axis int) *ir.Tensor {
	if len(list) == 0 {
		shape := stackedType(elem, 0, axis).Shape
		for i := range shape {
			shape[i] = max(0, shape[i])
		}
		return ir.NewTensor(elem.DType, shape...)
	}
	shape := stackedType(list[0].Type(), len(list), axis).Shape
	y := ir.NewTensor(list[0].DType, shape...)
	inner := ir.Size(shape[axis+1:])
	for i := range y.Len() {
		k := i / inner % len(list)
		y.CopyElem(i, list[k], i/(inner*len(list))*inner+i%inner)
	}
	return y
}

// Eval runs the body.
func (o *Loop) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	n := o.states(len(in))
	state, captured := in[2:2+n], in[2+n:]
	cond := in[1]
	if cond == nil {
		cond = ir.FromInts(ir.Bool, nil, []int64{1})
	}
	stacks := make([][]*ir.Tensor, len(o.Body.Out)-1-n)
	for i := int64(0); (in[0] == nil || i < in[0].Ints()[0]) && cond.Ints()[0] != 0; i++ {
		args := append([]*ir.Tensor{ir.FromInts(ir.Int64, nil, []int64{i}), cond}, state...)
		out, err := o.Body.Eval(append(args, captured...))
		if err != nil {
			return nil, fmt.Errorf("iteration %d: %w", i, err)
		}
		cond, state = out[0], out[1:1+n]
		for k := range stacks {
			t := out[1+n+k]
			if len(stacks[k]) > 0 && !ir.Same(t.Type(), stacks[k][0].Type()) {
				return nil, fmt.Errorf("iteration %d: result %d is %v, before it was %v", i, 1+n+k, t.Type(), stacks[k][0].Type())
			}
			stacks[k] = append(stacks[k], t)
		}
	}
	out := append([]*ir.Tensor{}, state...)
	for k, list := range stacks {
		out = append(out, stack(list, o.Body.Out[1+n+k].Type, 0))
	}
	return out, nil
}

// Lower unrolls a loop whose number of iterations is known: M is constant, or the condition follows from constants.
func (o *Loop) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	k := o.states(len(n.In))
	state, captured := n.In[2:2+k], n.In[2+k:]
	cond := n.In[1]
	if cond == nil {
		cond = b.Const(ir.FromInts(ir.Bool, nil, []int64{1}))
	}
	if m := n.In[0]; m != nil && m.Const == nil || cond.Const == nil {
		return nil, fmt.Errorf("%w: the number of iterations is known only at run time; %s", errControl, controlRemedy)
	}
	l := &inliner{b: b}
	stacks := make([][]*ir.Value, len(o.Body.Out)-1-k)
	for i := int64(0); (n.In[0] == nil || i < n.In[0].Const.Ints()[0]) && cond.Const.Ints()[0] != 0; i++ {
		args := append([]*ir.Value{b.Const(ir.FromInts(ir.Int64, nil, []int64{i})), cond}, state...)
		out, err := l.graph(o.Body, append(args, captured...))
		if err != nil {
			return nil, err
		}
		if cond = out[0]; cond.Const == nil {
			return nil, fmt.Errorf("%w: the condition of the next iteration is known only at run time; %s", errControl, controlRemedy)
		}
		if state = out[1 : 1+k]; len(o.Body.Nodes) == 0 && l.nodes > maxUnrolled {
			return nil, fmt.Errorf("%w: more than %d iterations", errControl, maxUnrolled)
		}
		l.nodes++
		for j := range stacks {
			stacks[j] = append(stacks[j], out[1+k+j])
		}
	}
	out := append([]*ir.Value{}, state...)
	for j, list := range stacks {
		if len(list) == 0 {
			t := stack(nil, o.Body.Out[1+k+j].Type, 0)
			out = append(out, low.Copy(b, b.Const(t), t.Shape...))
			continue
		}
		out = append(out, stackValues(b, list, 0))
	}
	return ownResults(b, out[:len(n.Out)]), nil
}

// stackValues joins values along a new axis.
func stackValues(b *ir.Builder, list []*ir.Value, axis int) *ir.Value {
	shape := stackedType(list[0].Type, 1, axis).Shape
	rows := make([]*ir.Value, len(list))
	for i, v := range list {
		rows[i] = low.Copy(b, v, shape...)
	}
	return low.Concat(b, axis, rows...)
}
