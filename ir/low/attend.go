package low

import (
	"fmt"
	"math"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Attend is scaled dot-product attention of q [B, S, Heads·dh] over k [B, T, KVHeads·dh] and v [B, T, KVHeads·dv],
// giving [B, S, Heads·dv], with an optional additive mask that broadcasts to [B, Heads, S, T]; query head h reads
// key head h / (Heads/KVHeads). All float32, in one layout, the mask row-major.
//
// For a query the entries are the keys of its Finite spans, increasing. Their scores are chains fma(q_c, k_c, ·) from
// +0, c increasing, times Scale, plus the mask; e = expneg(score - max); outputs are chains fma(e, v_c, ·) from +0 over
// the entries, times 1/sum(e), the sum one chain.
//
// Two more inputs, constants of bool, may say which elements of every sample's keys [T, KVHeads·dh] and values
// [T, KVHeads·dv] count; then there is no mask and every query has every key. Chains leave the others out, whatever they are.
//
// With Partials 16 there is one query of one sample, whose keys are side by side: see attendOne.
//
// With Lanes set there is one sample for each element of a further last axis, of Lanes elements, of all inputs but the mask
// and those that say what counts, and of the result; all are row-major.
type Attend struct {
	Heads    int     `onnx:"heads,1"`
	KVHeads  int     `onnx:"kv_heads,1"`
	KHeads   int     `onnx:"k_heads,0"` // of k, if not KVHeads; only with Partials 16
	Scale    float32 `onnx:"scale,1"`
	Finite   Spans   `onnx:"finite"`     // by query; nil: every key for every query
	Partials int     `onnx:"partials,0"` // 0: one query after the other
	Lanes    bool    `onnx:"lanes,0"`    // a sample for each element of the last axis
	Code     Code    `onnx:"code"`       // of the elements that count
}

// Spans are, for each query, ranges [Lo, Hi) of keys that are not masked out for certain.
type Spans [][]Span

// Span is a range of keys.
type Span struct{ Lo, Hi int }

// MarshalText writes queries separated by semicolons and ranges by blanks, a run of equal queries as "n*".
func (s Spans) MarshalText() ([]byte, error) {
	var rows []string
	for i := 0; i < len(s); {
		n := 1
		for i+n < len(s) && fmt.Sprint(s[i+n]) == fmt.Sprint(s[i]) {
			n++
		}
		var r []string
		for _, p := range s[i] {
			r = append(r, fmt.Sprintf("%d-%d", p.Lo, p.Hi))
		}
		text := strings.Join(r, " ")
		if n > 1 {
			text = fmt.Sprintf("%d*%s", n, text)
		}
		rows = append(rows, text)
		i += n
	}
	return []byte(strings.Join(rows, "; ")), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Spans) UnmarshalText(text []byte) error {
	*s = nil
	for row := range strings.SplitSeq(string(text), ";") {
		n := 1
		row = strings.TrimSpace(row)
		if times, rest, ok := strings.Cut(row, "*"); ok {
			if _, err := fmt.Sscan(times, &n); err != nil {
				return fmt.Errorf("spans %q: %w", row, err)
			}
			row = rest
		}
		var spans []Span
		for _, f := range strings.Fields(row) {
			var p Span
			if _, err := fmt.Sscanf(f, "%d-%d", &p.Lo, &p.Hi); err != nil {
				return fmt.Errorf("spans %q: %w", row, err)
			}
			spans = append(spans, p)
		}
		for range n {
			*s = append(*s, spans)
		}
	}
	return nil
}

// Entries is the number of scores computed for one head of one sample.
func (a *Attend) Entries(queries, keys int) int {
	if a.Finite == nil {
		return queries * keys
	}
	n := 0
	for _, row := range a.Finite {
		for _, p := range row {
			n += p.Hi - p.Lo
		}
	}
	return n
}

// Name is the operator's name in the text form.
func (*Attend) Name() string { return "sbtc.Attend" }

// Infer checks shapes; the result has the layout of q.
func (a *Attend) Infer(in []*ir.Value) ([]ir.Type, error) {
	if err := a.Code.check(); err != nil {
		return nil, err
	}
	if a.Lanes {
		return a.inferLanes(in)
	}
	if a.Partials == Partials {
		return a.inferOne(in)
	}
	if a.Partials != 0 || a.KHeads != 0 {
		return nil, fmt.Errorf("attention in %d partials with %d heads of keys", a.Partials, a.KHeads)
	}
	if len(in) < 3 || len(in) == 5 || len(in) > 6 {
		return nil, errArity
	}
	q, k, v := in[0].Type, in[1].Type, in[2].Type
	for _, t := range []ir.Type{q, k, v} {
		if t.DType != ir.Float32 || len(t.Shape) != 3 || t.Layout != q.Layout || t.Shape[0] != q.Shape[0] {
			return nil, fmt.Errorf("attention of %v over %v and %v", q, k, v)
		}
	}
	if a.Heads < 1 || a.KVHeads < 1 || a.Heads%a.KVHeads != 0 || q.Shape[2]%a.Heads != 0 || v.Shape[2]%a.KVHeads != 0 ||
		k.Shape[2] != q.Shape[2]/a.Heads*a.KVHeads || k.Shape[1] != v.Shape[1] {
		return nil, fmt.Errorf("%d and %d heads of %v over %v and %v", a.Heads, a.KVHeads, q, k, v)
	}
	if a.Finite != nil && len(a.Finite) != q.Shape[1] {
		return nil, fmt.Errorf("spans of %d queries, there are %d", len(a.Finite), q.Shape[1])
	}
	for _, row := range a.Finite {
		for i, p := range row {
			if p.Lo < 0 || p.Hi <= p.Lo || p.Hi > k.Shape[1] || i > 0 && p.Lo <= row[i-1].Hi {
				return nil, fmt.Errorf("span %v of %d keys", p, k.Shape[1])
			}
		}
	}
	if keys, values := Kept(in); keys != nil || values != nil {
		if err := a.inferKept(in, keys, values); err != nil {
			return nil, err
		}
	}
	if len(in) > 3 && in[3] != nil {
		m := in[3].Type
		full := []int{q.Shape[0], a.Heads, q.Shape[1], k.Shape[1]}
		if s, err := broadcast(m.Shape, full); err != nil || ir.Size(s) != ir.Size(full) || m.DType != ir.Float32 || m.Layout != ir.RowMajor {
			return nil, fmt.Errorf("mask %v for scores %v", m, full)
		}
	}
	return []ir.Type{{DType: ir.Float32, Shape: []int{q.Shape[0], q.Shape[1], v.Shape[2] / a.KVHeads * a.Heads}, Layout: q.Layout}}, nil
}

// Eval computes one query of one head after the other.
func (a *Attend) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	if a.Lanes {
		return a.evalLanes(in)
	}
	if a.Partials == Partials {
		return a.evalOne(in)
	}
	q, k, v := in[0], in[1], in[2]
	batch, queries, keys := q.Shape[0], q.Shape[1], k.Shape[1]
	dh, dv := q.Shape[2]/a.Heads, v.Shape[2]/a.KVHeads
	out := ir.NewTensor(ir.Float32, batch, queries, a.Heads*dv)
	var mask []float32
	if len(in) > 3 && in[3] != nil {
		mask = ir.Data[float32](expand(in[3], []int{batch, a.Heads, queries, keys}))
	}
	kept, keptValues := keptElements(in)
	qd, kd, vd, od := ir.Data[float32](q), ir.Data[float32](k), ir.Data[float32](v), ir.Data[float32](out)
	for b := range batch {
		for h := range a.Heads {
			g := h / (a.Heads / a.KVHeads)
			for i := range queries {
				entries := a.entries(i, keys)
				scores := make([]float32, len(entries))
				for n, j := range entries {
					var s float32
					for c := range dh {
						if kept == nil || kept[(j*a.KVHeads+g)*dh+c] {
							s = fma32(qd[((b*queries+i)*a.Heads+h)*dh+c], kd[((b*keys+j)*a.KVHeads+g)*dh+c], s)
						}
					}
					s *= a.Scale
					if mask != nil {
						s += mask[((b*a.Heads+h)*queries+i)*keys+j]
					}
					scores[n] = s
				}
				weights, inv := softWeights(scores)
				for c := range dv {
					var o float32
					for n, j := range entries {
						if keptValues == nil || keptValues[(j*a.KVHeads+g)*dv+c] {
							o = fma32(weights[n], vd[((b*keys+j)*a.KVHeads+g)*dv+c], o)
						}
					}
					od[((b*queries+i)*a.Heads+h)*dv+c] = o * inv
				}
			}
		}
	}
	return []*ir.Tensor{out}, nil
}

func (a *Attend) entries(query, keys int) (out []int) {
	spans := []Span{{0, keys}}
	if a.Finite != nil {
		spans = a.Finite[query]
	}
	for _, p := range spans {
		for j := p.Lo; j < p.Hi; j++ {
			out = append(out, j)
		}
	}
	return out
}

// softWeights returns the unscaled softmax weights of scores and 1/sum.
func softWeights(scores []float32) (e []float32, inv float32) {
	top := float32(math.Inf(-1))
	for _, s := range scores {
		if s > top {
			top = s
		}
	}
	for i := range scores {
		scores[i] -= top
	}
	e = apply("expneg(x0)", scores)
	var sum float32
	for _, v := range e {
		sum += v
	}
	return e, 1 / sum
}
