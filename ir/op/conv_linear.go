package op

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// maxWindows bounds the elements of the windows of a convolution that is lowered to a layer over them.
const maxWindows = 1 << 20

// linear writes a convolution with constant weights as a layer over its windows: one row for each position, channels
// outside, kernel positions inside, as the chain of a Conv runs. It returns nil for what stays a convolution: groups,
// other element types than float32, and windows that would take too much memory.
func (g *convolution) linear(b *ir.Builder, n *ir.Node) *ir.Value {
	x, w, y := n.In[0], n.In[1], n.Out[0]
	in, out, kernel := g.inputs(), g.outputs(), g.kernels()
	features := g.channels * kernel
	if g.groups != 1 || w.Const == nil || x.Type.DType != ir.Float32 || y.Type.Len() == 0 || x.Type.Len() == 0 || g.batch*out*features > maxWindows {
		return nil
	}
	var bias *ir.Value
	if len(n.In) > 2 && n.In[2] != nil {
		if bias = n.In[2]; bias.Const == nil {
			return nil
		}
	}
	windows := &low.Move{Shape: []int{g.batch, out, features}}
	for k := range kernel {
		p := low.Part{Dims: []int{g.batch}, Out: k, OutStrides: []int{out * features}, InStrides: []int{g.channels * in}}
		at := g.kernelPosition(k)
		outStep, inStep := out*features, in
		for i, s := range g.axes {
			outStep, inStep = outStep/s.out, inStep/s.in
			lo, hi := s.live(at[i])
			p.Dims = append(p.Dims, hi-lo)
			from, _ := s.at(lo, at[i])
			p.Out, p.In = p.Out+lo*outStep, p.In+from*inStep
			p.OutStrides, p.InStrides = append(p.OutStrides, outStep), append(p.InStrides, s.stride*inStep)
		}
		p.Dims, p.OutStrides, p.InStrides = append(p.Dims, g.channels), append(p.OutStrides, kernel), append(p.InStrides, in)
		if ir.Size(p.Dims) > 0 {
			windows.Parts = append(windows.Parts, p)
		}
	}
	if windows.Parts == nil {
		return nil
	}
	matrix := b.Const(w.Const.Gather([]int{features, g.filters}, func(i int) int { return i%g.filters*features + i/g.filters }))
	rows := b.Add(&low.Linear{Kind: "dense"}, b.Add(windows, x), matrix, bias)
	return low.Copy(b, low.Transpose(b, rows, 0, 2, 1), y.Type.Shape...)
}

// kernelPosition is the index vector of element i of a kernel.
func (g *convolution) kernelPosition(i int) [maxSpatial]int {
	a := g.axes
	return [maxSpatial]int{i / (a[1].kernel * a[2].kernel), i / a[2].kernel % a[1].kernel, i % a[2].kernel}
}

// live is the range of outputs whose window has element k inside the input.
func (s slide) live(k int) (lo, hi int) {
	for lo < s.out {
		if _, inside := s.at(lo, k); inside {
			break
		}
		lo++
	}
	for hi = lo; hi < s.out; hi++ {
		if _, inside := s.at(hi, k); !inside {
			break
		}
	}
	return lo, hi
}
