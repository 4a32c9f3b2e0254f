package ir

import (
	"fmt"
	"runtime/debug"
)

// Eval interprets the graph: the results of its outputs for the given inputs, both in graph order.
// Each input must have the element type and shape of the graph's.
func (g *Graph) Eval(in []*Tensor) ([]*Tensor, error) { return g.EvalEach(in, nil) }

// EvalEach is Eval that shows every result to each as soon as it is known.
func (g *Graph) EvalEach(in []*Tensor, each func(*Value, *Tensor)) ([]*Tensor, error) {
	if len(in) != len(g.In) {
		return nil, fmt.Errorf("%d inputs, the graph has %d", len(in), len(g.In))
	}
	env := map[*Value]*Tensor{}
	for i, v := range g.In {
		if in[i] == nil {
			return nil, fmt.Errorf("input %q is missing", v.Name)
		}
		if _, err := Refine(in[i].Type(), v.Type); err != nil {
			return nil, fmt.Errorf("input %q: %w", v.Name, err)
		}
		env[v] = in[i]
	}
	uses := g.Uses()
	for _, n := range g.Nodes {
		args := make([]*Tensor, len(n.In))
		for i, v := range n.In {
			switch {
			case v == nil:
			case v.Const != nil:
				args[i] = v.Const
			default:
				args[i] = env[v]
				if uses[v]--; uses[v] == 0 {
					delete(env, v)
				}
			}
		}
		out, err := evalNode(n, args)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		for i, v := range n.Out {
			if v == nil {
				continue
			}
			if _, err := Refine(out[i].Type(), v.Type); err != nil {
				return nil, fmt.Errorf("%v: the result does not fit: %w", n, err)
			}
			env[v] = out[i]
			if each != nil {
				each(v, out[i])
			}
		}
	}
	out := make([]*Tensor, len(g.Out))
	for i, v := range g.Out {
		out[i] = env[v]
	}
	return out, nil
}

// A BugError is a fault of the compiler, not of the model.
type BugError struct {
	Where string
	Panic any
	Stack []byte
}

func (e *BugError) Error() string { return fmt.Sprintf("internal error in %s: %v", e.Where, e.Panic) }

func evalNode(n *Node, in []*Tensor) (out []*Tensor, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &BugError{Where: n.String(), Panic: r, Stack: debug.Stack()}
		}
	}()
	return n.Op.Eval(in)
}
