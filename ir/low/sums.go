package low

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// sharedMemory is how many results beside the first, and inputs in memory, code for layers with the same sums has registers for.
const sharedMemory = 4

// sharedTerms is how many terms the columns of a layer must have on average for a second epilogue, which goes through all sums
// once more where they are no code, to cost less than the sums.
const sharedTerms = 8

// SameSums reports whether two ternary layers on panels add up the same: if they have the same input, signs and order. They
// may differ in scales, biases and what follows, if that is float32.
func SameSums(n, m *ir.Node) bool {
	a, ok := n.Op.(*Linear)
	b, ok2 := m.Op.(*Linear)
	return ok && ok2 && n != m && a.Kind == "ternary" && b.Kind == "ternary" && a.Order == b.Order && a.Code == b.Code && n.In[0] == m.In[0] &&
		n.In[0].Type.Layout == ir.Panels && n.Out[0].Type.Len() > 0 && n.Out[0].Type.DType == ir.Float32 && m.Out[0].Type.DType == ir.Float32 &&
		sameSigns(n.In[1], m.In[1]) && manyTerms(n.In[1].Const)
}

// SharedSums finds layers that stand one after the other and add up the same, which is then done once. It returns the first
// of them for each of the others.
func SharedSums(nodes []*ir.Node) map[*ir.Node]*ir.Node {
	first := map[*ir.Node]*ir.Node{}
	for i := 0; i < len(nodes); i++ {
		f, memory := nodes[i], inMemory(nodes[i])
		results := []*ir.Value{f.Out[0]}
		for ; i+1 < len(nodes) && SameSums(f, nodes[i+1]); i++ {
			n := nodes[i+1]
			if memory += 1 + inMemory(n); memory > sharedMemory || slices.ContainsFunc(n.In, func(v *ir.Value) bool { return slices.Contains(results, v) }) {
				break
			}
			first[n], results = f, append(results, n.Out[0])
		}
	}
	return first
}

// inMemory counts the further inputs of a layer that are in memory.
func inMemory(n *ir.Node) (count int) {
	if l, ok := n.Op.(*Linear); ok {
		for _, v := range n.In[l.Operands():] {
			if v.Const == nil {
				count++
			}
		}
	}
	return count
}

func manyTerms(w *ir.Tensor) bool {
	n := 0
	for _, s := range ir.Data[int8](w) {
		n += int(s * s)
	}
	return n >= sharedTerms*w.Shape[1]
}

func sameSigns(v, w *ir.Value) bool {
	return v == w || slices.Equal(v.Type.Shape, w.Type.Shape) && slices.Equal(ir.Data[int8](v.Const), ir.Data[int8](w.Const))
}
