package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

var attention = []Def{
	{Name: "Attention", Since: 24, From: 23, In: Arity{3, 7}, Out: Arity{1, 4},
		Types: []Types{Floats, Floats, Floats, Numbers | Bools, Floats, Floats, Int64s}, Proto: &Attention{}},
	{Name: "ai.onnx.preview.FlexAttention", Since: 1, In: Arity{3, -1}, Out: Arity{1, 1}, Types: []Types{Floats, Floats, Floats, Any}, Proto: &FlexAttention{}},
	{Name: "LinearAttention", Since: 27, In: Arity{3, 6}, Out: Arity{1, 2}, Types: []Types{halfToFloat}, Proto: &LinearAttention{}},
	{Name: "RotaryEmbedding", Since: 23, In: Arity{3, 4}, Out: Arity{1, 1},
		Types: []Types{halfToFloat, halfToFloat, halfToFloat, Int64s}, Proto: &RotaryEmbedding{}},
}

// Attention is https://onnx.ai/onnx/operators/onnx__Attention.html, version 24: softmax(scale·Q·K' + mask)·V by head,
// for Q, K, V of shape [batch, heads, sequence, size] or [batch, sequence, heads·size], query head h reading key head
// h / (query heads / key heads). Past keys and values come before K and V. Scores pass softcap, then the mask, which
// is added or, if boolean, keeps what is true; a mask shorter than the keys excludes the rest. With is_causal, query i
// sees keys up to past + i; with nonpad_kv_seqlen, a sample sees that many keys.
type Attention struct {
	IsCausal         bool      `onnx:"is_causal,0"`
	KVHeads          int       `onnx:"kv_num_heads,0"`
	QHeads           int       `onnx:"q_num_heads,0"`
	OutputMode       int       `onnx:"qk_matmul_output_mode,0"`
	Scale            *float32  `onnx:"scale"`
	Softcap          float32   `onnx:"softcap,0"`
	SoftmaxPrecision *ir.DType `onnx:"softmax_precision"`
}

// Inputs and results of Attention.
const (
	attnQ = iota
	attnK
	attnV
	attnMask
	attnPastK
	attnPastV
	attnNonpad
)

// Name is the operator's ONNX name.
func (*Attention) Name() string { return "Attention" }

// attnDims are the lengths of an attention; -1 where unknown.
type attnDims struct {
	batch, heads, kvHeads, queries, past, keys, size, vsize int // keys includes past
	flat                                                    bool
}

// scale is what scores are multiplied by.
func (o *Attention) scale(size int) float64 {
	if o.Scale != nil {
		return float64(*o.Scale)
	}
	return 1 / math.Sqrt(float64(size))
}

// operands returns the inputs of n, nil for those that are omitted, and their lengths.
func (o *Attention) operands(n *ir.Node) (in []*ir.Value, d attnDims, err error) {
	in = slices.Concat(n.In, make([]*ir.Value, attnNonpad+1-len(n.In)))
	types := make([]*ir.Type, len(in))
	for i, v := range in {
		if v != nil {
			types[i] = &v.Type
		}
	}
	d, err = o.dims(types)
	return in, d, err
}

// dims checks shapes; types of omitted inputs are nil.
func (o *Attention) dims(in []*ir.Type) (d attnDims, err error) {
	q, k, v := in[attnQ].Shape, in[attnK].Shape, in[attnV].Shape
	if len(q) != len(k) || len(k) != len(v) || len(q) != 3 && len(q) != 4 {
		return d, fmt.Errorf("Q, K, V are %v, %v, %v; all must have 3 axes or all 4", *in[attnQ], *in[attnK], *in[attnV])
	}
	d.batch, d.flat = q[0], len(q) == 3
	if d.flat {
		if o.QHeads < 1 || o.KVHeads < 1 {
			return d, errors.New("attributes q_num_heads and kv_num_heads are required for inputs of 3 axes")
		}
		d.heads, d.kvHeads, d.queries, d.keys = o.QHeads, o.KVHeads, q[1], k[1]
		for i, h := range []int{o.QHeads, o.KVHeads, o.KVHeads} {
			if n := in[i].Shape[2]; n >= 0 && n%h != 0 {
				return d, fmt.Errorf("input %d is %v: its last axis does not divide into %d heads", i, *in[i], h)
			}
		}
		d.size, d.vsize = perHead(q[2], o.QHeads), perHead(v[2], o.KVHeads)
		if n := perHead(k[2], o.KVHeads); n >= 0 && d.size >= 0 && n != d.size {
			return d, fmt.Errorf("query heads have size %d, key heads %d", d.size, n)
		}
	} else {
		d.heads, d.kvHeads, d.queries, d.keys, d.size, d.vsize = q[1], k[1], q[2], k[2], q[3], v[3]
		if q[3] >= 0 && k[3] >= 0 && q[3] != k[3] {
			return d, fmt.Errorf("query heads have size %d, key heads %d", q[3], k[3])
		}
	}
	if d.heads >= 0 && d.kvHeads > 0 && d.heads%d.kvHeads != 0 {
		return d, fmt.Errorf("%d query heads are no multiple of %d key heads", d.heads, d.kvHeads)
	}
	if p := in[attnPastK]; p != nil && !p.NoRank {
		if len(p.Shape) != 4 {
			return d, fmt.Errorf("past_key is %v, wanted 4 axes", *p)
		}
		if d.past = p.Shape[2]; d.past < 0 || d.keys < 0 {
			d.keys = -1
		} else {
			d.keys += d.past
		}
	}
	return d, nil
}

func perHead(n, heads int) int {
	if n < 0 {
		return n
	}
	return n / heads
}

// Infer checks shapes and returns the types of Y, the present key and value, and the scores.
func (o *Attention) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.OutputMode < 0 || o.OutputMode > 3 {
		return nil, fmt.Errorf("attribute qk_matmul_output_mode is %d, wanted 0 to 3", o.OutputMode)
	}
	if p := o.SoftmaxPrecision; p != nil && !Floats.has(*p) {
		return nil, fmt.Errorf("attribute softmax_precision is %v, wanted a floating-point type", *p)
	}
	types := make([]*ir.Type, attnNonpad+1)
	known := true
	for i, v := range in {
		if v != nil {
			types[i] = &v.Type
			known = known && !v.Type.NoRank
		}
	}
	if (types[attnPastK] == nil) != (types[attnPastV] == nil) {
		return nil, errors.New("past_key and past_value must be given together")
	}
	if types[attnNonpad] != nil && types[attnPastK] != nil {
		return nil, errors.New("nonpad_kv_seqlen cannot be used together with past_key")
	}
	for _, i := range []int{attnK, attnPastK} {
		if types[i] != nil && types[i].DType != types[attnQ].DType {
			return nil, fmt.Errorf("input %d is %v, Q is %v; they must have one element type", i, *types[i], *types[attnQ])
		}
	}
	dt, vt := types[attnQ].DType, types[attnV].DType
	if !known {
		return []ir.Type{{DType: dt, NoRank: true}, {DType: dt, NoRank: true}, {DType: vt, NoRank: true}, {DType: dt, NoRank: true}}, nil
	}
	d, err := o.dims(types)
	if err != nil {
		return nil, err
	}
	if m := types[attnMask]; m != nil {
		if err := checkMask(m, d); err != nil {
			return nil, err
		}
	}
	y := []int{d.batch, d.heads, d.queries, d.vsize}
	if d.flat {
		y = []int{d.batch, d.queries, -1}
		if d.vsize >= 0 {
			y[2] = d.heads * d.vsize
		}
	}
	return []ir.Type{
		{DType: dt, Shape: y},
		{DType: dt, Shape: []int{d.batch, d.kvHeads, d.keys, d.size}},
		{DType: vt, Shape: []int{d.batch, d.kvHeads, d.keys, d.vsize}},
		{DType: dt, Shape: []int{d.batch, d.heads, d.queries, d.keys}},
	}, nil
}

func checkMask(m *ir.Type, d attnDims) error {
	if len(m.Shape) < 1 || len(m.Shape) > 4 {
		return fmt.Errorf("attn_mask is %v, wanted 1 to 4 axes", *m)
	}
	full := []int{d.batch, d.heads, d.queries, d.keys}
	for i, n := range m.Shape {
		at := 4 - len(m.Shape) + i
		f := full[at]
		if n < 0 || f < 0 || n == f || n == 1 || at == 3 && n < f {
			continue
		}
		return fmt.Errorf("attn_mask is %v, which does not broadcast to the scores %v", *m, full)
	}
	return nil
}

// heads4 returns x [batch, heads, sequence, size] as float64, whichever of the two forms t has.
func heads4(t *ir.Tensor, heads int) []float64 {
	x := t.Floats()
	if len(t.Shape) == 4 {
		return x
	}
	seq, size := t.Shape[1], t.Shape[2]/heads
	out := make([]float64, 0, len(x))
	for b := range t.Shape[0] {
		for h := range heads {
			for s := range seq {
				out = append(out, x[((b*seq+s)*heads+h)*size:][:size]...)
			}
		}
	}
	return out
}

// joined concatenates past and new along the sequence.
func joined(past *ir.Tensor, x []float64, groups int) []float64 {
	if past == nil {
		return x
	}
	p := past.Floats()
	if groups == 0 {
		return p
	}
	var out []float64
	a, b := len(p)/groups, len(x)/groups
	for g := range groups {
		out = append(append(out, p[g*a:][:a]...), x[g*b:][:b]...)
	}
	return out
}

// Eval computes one query of one head after the other.
func (o *Attention) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	in = slices.Concat(in, make([]*ir.Tensor, attnNonpad+1-len(in)))
	types := make([]*ir.Type, len(in))
	for i, t := range in {
		if t != nil {
			tt := t.Type()
			types[i] = &tt
		}
	}
	d, err := o.dims(types)
	if err != nil {
		return nil, err
	}
	groups := d.batch * d.kvHeads
	q := heads4(in[attnQ], d.heads)
	k := joined(in[attnPastK], heads4(in[attnK], d.kvHeads), groups)
	v := joined(in[attnPastV], heads4(in[attnV], d.kvHeads), groups)
	bias := attnBias(in[attnMask], d)
	scores := make([]float64, d.batch*d.heads*d.queries*d.keys)
	y := make([]float64, d.batch*d.heads*d.queries*d.vsize)
	for r := range d.batch * d.heads * d.queries {
		i, bh := r%d.queries, r/d.queries
		g := bh/d.heads*d.kvHeads + bh%d.heads/(d.heads/d.kvHeads)
		live := d.keys
		if in[attnNonpad] != nil {
			live = int(in[attnNonpad].Ints()[bh/d.heads])
		}
		s := scores[r*d.keys:][:d.keys]
		for j := range s {
			var dot float64
			for c, x := range q[r*d.size:][:d.size] {
				dot += float64(x * k[(g*d.keys+j)*d.size+c])
			}
			s[j] = float64(dot * o.scale(d.size))
		}
		p := o.weights(s, func(j int) float64 {
			if o.IsCausal && j > d.past+i || j >= live {
				return math.Inf(-1)
			}
			return bias(r, j)
		})
		out := y[r*d.vsize:][:d.vsize]
		for j, w := range p {
			for c := range out {
				out[c] += float64(w * v[(g*d.keys+j)*d.vsize+c])
			}
		}
	}
	dt := in[attnQ].DType
	shape := []int{d.batch, d.heads, d.queries, d.vsize}
	result := ir.FromFloats(dt, shape, y)
	if d.flat {
		result = packed(result)
	}
	return []*ir.Tensor{
		result,
		ir.FromFloats(in[attnK].DType, []int{d.batch, d.kvHeads, d.keys, d.size}, k),
		ir.FromFloats(in[attnV].DType, []int{d.batch, d.kvHeads, d.keys, d.vsize}, v),
		ir.FromFloats(dt, []int{d.batch, d.heads, d.queries, d.keys}, scores),
	}, nil
}

// weights returns the softmax of a row of scores and leaves in the row what qk_matmul_output_mode asks for.
func (o *Attention) weights(s []float64, bias func(j int) float64) []float64 {
	p := slices.Clone(s)
	top := math.Inf(-1)
	for j := range p {
		if o.Softcap > 0 {
			p[j] = float64(low.Tanh64(p[j]/float64(o.Softcap)) * float64(o.Softcap))
		}
		if o.OutputMode == 1 {
			s[j] = p[j]
		}
		p[j] += bias(j)
		if o.OutputMode == 2 {
			s[j] = p[j]
		}
		if p[j] > top || p[j] != p[j] {
			top = p[j]
		}
	}
	var sum float64
	for j := range p {
		p[j] = low.Exp64(p[j] - top)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	if o.OutputMode == 3 {
		copy(s, p)
	}
	return p
}

// attnBias returns what the mask adds to the score of key j in row r of [batch, heads, queries].
func attnBias(m *ir.Tensor, d attnDims) func(r, j int) float64 {
	if m == nil {
		return func(int, int) float64 { return 0 }
	}
	shape := slices.Concat([]int{1, 1, 1}, m.Shape)[len(m.Shape)-1:]
	x := m.Floats()
	keys := shape[3]
	rows := offsets([]int{d.batch, d.heads, d.queries}, low.BroadcastStrides(shape[:3], []int{d.batch, d.heads, d.queries}))
	return func(r, j int) float64 {
		if j >= keys {
			return math.Inf(-1)
		}
		v := x[rows[r]*keys+j]
		if m.DType != ir.Bool {
			return v
		}
		if v == 0 {
			return math.Inf(-1)
		}
		return 0
	}
}

// packed turns [batch, heads, sequence, size] into [batch, sequence, heads·size].
func packed(t *ir.Tensor) *ir.Tensor {
	b, h, s, n := t.Shape[0], t.Shape[1], t.Shape[2], t.Shape[3]
	return t.Gather([]int{b, s, h * n}, func(i int) int {
		c, r := i%n, i/n
		return ((r/(h*s)*h+r%h)*s+r/h%s)*n + c
	})
}

// ScaleOf is what the scores of n, a node of this operator with inputs of three axes, are multiplied by.
func (o *Attention) ScaleOf(n *ir.Node) float64 {
	q := n.In[attnQ].Type.Shape
	if len(q) == 4 {
		return o.scale(q[3])
	}
	return o.scale(perHead(q[2], o.QHeads))
}
