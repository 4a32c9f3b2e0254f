package op

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// A Product counts the multiply-adds of one product in an operator.
type Product struct {
	Full    int // every element of the result, from every element of its row and column
	Seen    int // without those whose result nobody reads: scores that a mask excludes
	NonZero int // of those, the ones of which no factor is known to be zero before the model runs
}

// Multiplier is implemented by operators whose work is multiply-adds. Zero(i) says which elements of input i are known
// to be zero, nil if none is. All inputs and results must be static.
type Multiplier interface {
	Products(n *ir.Node, zero func(i int) []bool) []Product
}

// operandLabels are the labels of the axes of a factor; an axis of length 1 may broadcast.
type operandLabels struct {
	shape  []int
	labels []rune
	zero   []bool
}

// pairProduct counts the products of two factors over all labels: those that both have pair up, the others are free.
func pairProduct(a, b operandLabels) Product {
	size := map[rune]int{}
	for _, f := range []operandLabels{a, b} {
		for i, l := range f.labels {
			size[l] = max(size[l], f.shape[i])
			if f.shape[i] == 0 {
				return Product{}
			}
		}
	}
	full := 1
	for _, n := range size {
		full *= n
	}
	w := Product{Full: full, Seen: full, NonZero: full}
	if a.zero == nil && b.zero == nil {
		return w
	}
	var shared []rune
	for i, l := range a.labels {
		if j := slices.Index(b.labels, l); j >= 0 && a.shape[i] == b.shape[j] && !slices.Contains(shared, l) {
			shared = append(shared, l)
		}
	}
	w.NonZero = 0
	ca, cb := a.tally(shared), b.tally(shared)
	for i := range ca {
		w.NonZero += ca[i] * cb[i]
	}
	return w
}

// tally counts the elements that are not known to be zero by their index along the shared labels. A label twice takes
// the diagonal.
func (f operandLabels) tally(shared []rune) []int {
	var labels []rune
	var shape []int
	strides := ir.Strides(f.shape)
	var step []int
	for i, l := range f.labels {
		if at := slices.Index(labels, l); at >= 0 {
			step[at] += strides[i]
			continue
		}
		labels, shape, step = append(labels, l), append(shape, f.shape[i]), append(step, strides[i])
	}
	size := 1
	group := make([]int, len(labels))
	for _, l := range slices.Backward(shared) {
		i := slices.Index(labels, l)
		group[i] = size
		size *= shape[i]
	}
	counts := make([]int, size)
	if len(shape) == 0 {
		shape, step, group = []int{1}, []int{0}, []int{0}
	}
	last := len(shape) - 1
	at := make([]int, last)
	e, g := 0, 0
	for range ir.Size(shape[:last]) {
		for j := range shape[last] {
			if f.zero == nil || !f.zero[e+j*step[last]] {
				counts[g+j*group[last]]++
			}
		}
		for i := last - 1; i >= 0; i-- {
			at[i], e, g = at[i]+1, e+step[i], g+group[i]
			if at[i] < shape[i] {
				break
			}
			at[i], e, g = 0, e-step[i]*shape[i], g-group[i]*shape[i]
		}
	}
	return counts
}

// axisLabels are labels for the last n axes of a batch: the last is 1.
func axisLabels(n int) (out []rune) {
	for i := n; i > 0; i-- {
		out = append(out, rune(i))
	}
	return out
}

func matmulProducts(a, b operandLabels) []Product {
	x, y := matrixShape(a.shape, true), matrixShape(b.shape, false)
	a.shape, a.labels = x, append(axisLabels(len(x)-2), 'm', 'k')
	b.shape, b.labels = y, append(axisLabels(len(y)-2), 'k', 'n')
	return []Product{pairProduct(a, b)}
}

// Products of rows by columns.
func (*MatMul) Products(n *ir.Node, zero func(i int) []bool) []Product {
	return matmulProducts(operandLabels{shape: n.In[0].Type.Shape, zero: zero(0)}, operandLabels{shape: n.In[1].Type.Shape, zero: zero(1)})
}

// Products of rows by columns; zero points are not looked at.
func (*MatMulInteger) Products(n *ir.Node, zero func(i int) []bool) []Product {
	return matmulProducts(operandLabels{shape: n.In[0].Type.Shape}, operandLabels{shape: n.In[1].Type.Shape})
}

// Products of rows by columns; zero points are not looked at.
func (*QLinearMatMul) Products(n *ir.Node, zero func(i int) []bool) []Product {
	return matmulProducts(operandLabels{shape: n.In[qA].Type.Shape}, operandLabels{shape: n.In[qB].Type.Shape})
}

// Products of rows by columns.
func (o *Gemm) Products(n *ir.Node, zero func(i int) []bool) []Product {
	a := operandLabels{n.In[0].Type.Shape, []rune("mk"), zero(0)}
	b := operandLabels{n.In[1].Type.Shape, []rune("kn"), zero(1)}
	if o.TransA {
		slices.Reverse(a.labels)
	}
	if o.TransB {
		slices.Reverse(b.labels)
	}
	return []Product{pairProduct(a, b)}
}

// Products of two factors by their labels. More factors count a multiplication each for every combination of labels, one
// factor none.
func (o *Einsum) Products(n *ir.Node, zero func(i int) []bool) []Product {
	var shapes [][]int
	for _, v := range n.In {
		shapes = append(shapes, v.Type.Shape)
	}
	p, err := o.plan(shapes)
	if err != nil {
		return nil
	}
	if len(n.In) == 2 {
		return []Product{pairProduct(operandLabels{shapes[0], p.terms[0], zero(0)}, operandLabels{shapes[1], p.terms[1], zero(1)})}
	}
	full := len(n.In) - 1
	for _, d := range p.size {
		full *= d
	}
	return []Product{{full, full, full}}
}

// Products of the weights at every output; products with padding count in full only. Zeros of X are not looked at.
func (o *Conv) Products(n *ir.Node, zero func(i int) []bool) []Product {
	g, err := o.sizes(n.In[0].Type.Shape, n.In[1].Type.Shape)
	if err != nil {
		return nil
	}
	return g.products(zero(1))
}

func (g *convolution) products(zero []bool) []Product {
	kernel, out := g.kernels(), g.outputs()
	weights := g.channels / max(g.groups, 1) * g.filters // by kernel position
	nonzero := slices.Repeat([]int{weights}, kernel)
	for i, z := range zero {
		if z {
			nonzero[i%kernel]--
		}
	}
	full := g.batch * out * weights * kernel
	w := Product{Full: full, Seen: full}
	for p := range out {
		for _, t := range g.taps(g.position(p)) {
			w.NonZero += g.batch * nonzero[t.w]
		}
	}
	return []Product{w}
}

// Products are those of Conv; zero points are not looked at.
func (o *ConvInteger) Products(n *ir.Node, zero func(i int) []bool) []Product {
	g, err := o.conv().sizes(n.In[0].Type.Shape, n.In[1].Type.Shape)
	if err != nil {
		return nil
	}
	return g.products(nil)
}

// Products are those of Conv; zero points are not looked at.
func (o *QLinearConv) Products(n *ir.Node, zero func(i int) []bool) []Product {
	g, err := o.conv().conv().sizes(n.In[qA].Type.Shape, n.In[qB].Type.Shape)
	if err != nil {
		return nil
	}
	return g.products(nil)
}

// Products of every input with the weights of its channel. Zeros of X are not looked at.
func (o *ConvTranspose) Products(n *ir.Node, zero func(i int) []bool) []Product {
	x, w := n.In[0].Type, n.In[1].Type
	if x.Len() == 0 || w.Len() == 0 {
		return []Product{{}}
	}
	return weighted(w.Len(), x.Len()/x.Shape[1], zero(1))
}

// weighted counts weights that are all used the given number of times.
func weighted(weights, times int, zero []bool) []Product {
	p := Product{weights * times, weights * times, weights * times}
	for _, z := range zero {
		if z {
			p.NonZero -= times
		}
	}
	return []Product{p}
}

// Products of samples with weights; how samples are made of elements does not count.
func (o *DeformConv) Products(n *ir.Node, zero func(i int) []bool) []Product {
	g, err := o.conv().sizes(n.In[0].Type.Shape, n.In[1].Type.Shape)
	if err != nil {
		return nil
	}
	return weighted(n.In[1].Type.Len(), g.batch*g.outputs(), zero(1))
}

// Products with the positions before the first one, where no state holds them, count in full only.
func (*CausalConvWithState) Products(n *ir.Node, zero func(i int) []bool) []Product {
	x, k := n.In[0].Type.Shape, n.In[1].Type.Shape[2]
	w, z := n.In[1].Type.Len(), zero(1)
	p := weighted(w, x[0]*x[2], z)
	for i := 0; i < w && input(n, 3) == nil; i++ {
		if z == nil || !z[i] {
			p[0].NonZero -= x[0] * min(x[2], k-1-i%k)
		}
	}
	return p
}

// Products of the inputs and of the states with the weights of every gate.
func (o *Recurrent) Products(n *ir.Node, zero func(i int) []bool) []Product {
	x, r := n.In[rnnX].Type.Shape, n.In[rnnR].Type
	z := o.sizes(x, r.Shape)
	times := z.seq * z.batch
	return slices.Concat(weighted(n.In[rnnW].Type.Len(), times, zero(rnnW)), weighted(r.Len(), times, zero(rnnR)))
}

// Products of the two products, scores and weighted values, counted apart.
func (o *Attention) Products(n *ir.Node, zero func(i int) []bool) []Product {
	_, d, err := o.operands(n)
	if err != nil {
		return nil
	}
	full := d.batch * d.heads * d.queries * d.keys
	scores := Product{full * d.size, full * d.size, full * d.size}
	values := Product{full * d.vsize, full * d.vsize, full * d.vsize}
	_, keys, ok := o.seen(n)
	if !ok {
		return []Product{scores, values}
	}
	seen := 0
	for _, ks := range keys {
		seen += d.batch * d.heads * len(ks)
	}
	scores.Seen, values.Seen = seen*d.size, seen*d.vsize
	c := attnCount{d, zero(attnQ), zero(attnK), zero(attnV)}
	scores.NonZero, values.NonZero = 0, 0
	for i := 0; i < len(keys); {
		j := i + 1
		for j < len(keys) && slices.Equal(keys[i], keys[j]) {
			j++
		}
		scores.NonZero += c.scores(i, j, keys[i])
		values.NonZero += (j - i) * c.values(keys[i])
		i = j
	}
	return []Product{scores, values}
}

// Products are those of Attention; what the bodies compute is elementwise.
func (o *FlexAttention) Products(n *ir.Node, zero func(i int) []bool) []Product {
	return o.plain().Products(&ir.Node{Op: o.plain(), In: n.In[:3], Out: n.Out}, zero)
}

// Products of the state with keys (delta rules), of keys with values, and of queries with the state, counted apart.
func (o *LinearAttention) Products(n *ir.Node, _ func(i int) []bool) []Product {
	q, v := n.In[linQ].Type.Shape, n.In[linV].Type.Shape
	state := q[0] * q[1] * q[2] / o.QHeads * v[2] / o.KVHeads // one head at every step
	products := []Product{weighted(state*o.KVHeads, 1, nil)[0], weighted(state*o.QHeads, 1, nil)[0]}
	if o.delta() {
		products = slices.Insert(products, 0, products[0])
	}
	return products
}

// attnCount is an attention of flat inputs and what is known to be zero of them.
type attnCount struct {
	d       attnDims
	q, k, v []bool
}

// scores counts products of queries from to to, which see the same keys, without known zeros.
func (c *attnCount) scores(from, to int, keys []int) int {
	d := c.d
	if c.q == nil && c.k == nil {
		return d.batch * d.heads * (to - from) * len(keys) * d.size
	}
	sum, group := 0, d.heads/d.kvHeads
	for b := range d.batch {
		for h := range d.heads {
			for f := range d.size {
				nq, nk := 0, 0
				for i := from; i < to; i++ {
					if c.q == nil || !c.q[((b*d.queries+i)*d.heads+h)*d.size+f] {
						nq++
					}
				}
				for _, j := range keys {
					if c.k == nil || !c.k[((b*d.keys+j)*d.kvHeads+h/group)*d.size+f] {
						nk++
					}
				}
				sum += nq * nk
			}
		}
	}
	return sum
}

// values counts products of a query that sees keys, all heads, without known zeros.
func (c *attnCount) values(keys []int) int {
	d := c.d
	if c.v == nil {
		return d.batch * d.heads * len(keys) * d.vsize
	}
	sum := 0
	for b := range d.batch {
		for _, j := range keys {
			at := (b*d.keys + j) * d.kvHeads * d.vsize
			for _, z := range c.v[at : at+d.kvHeads*d.vsize] {
				if !z {
					sum += d.heads / d.kvHeads
				}
			}
		}
	}
	return sum
}
