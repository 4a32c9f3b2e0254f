package low

import (
	"slices"

	"github.com/sbtc-go/sbtc/ir"
)

// A RowPart is a part of a Move seen as one of rows: Cols features from FromCol on of the rows Src, Src + SrcStep, ... of
// input From become those from ToCol on of the rows Dst, Dst + DstStep, ...
type RowPart struct {
	From, Rows, Cols      int
	Dst, DstStep, ToCol   int
	Src, SrcStep, FromCol int
}

// maxRowParts bounds how many parts a part with several axes of rows is split into.
const maxRowParts = 64

// RowParts returns the parts as ones of rows; ok is false if one of them is none. Where a value is in panels, all parts
// have to be.
func (m *Move) RowParts(in []*ir.Value) (parts []RowPart, ok bool) {
	to := m.Shape[max(0, len(m.Shape)-1):]
	if len(to) == 0 || to[0] == 0 {
		return nil, false
	}
	for _, p := range m.Parts {
		from := in[p.From].Type.Features()
		if ir.Size(p.Dims) == 0 {
			continue
		}
		if from == 0 {
			return nil, false
		}
		r, ok := rowParts(p, to[0], from)
		if !ok {
			return nil, false
		}
		parts = append(parts, r...)
	}
	return parts, true
}

// rowParts splits a part of a move between rows of to and of from features.
func rowParts(p Part, to, from int) ([]RowPart, bool) {
	r := RowPart{From: p.From, Rows: 1, Cols: 1, Dst: p.Out / to, ToCol: p.Out % to, Src: p.In / from, FromCol: p.In % from}
	var dims, out, in []int
	for i, d := range p.Dims {
		if d != 1 {
			dims, out, in = append(dims, d), append(out, p.OutStrides[i]), append(in, p.InStrides[i])
		}
	}
	if n := len(dims) - 1; n >= 0 && out[n] == 1 && in[n] == 1 && to > 1 {
		r.Cols = dims[n]
		dims = dims[:n]
	}
	if r.ToCol+r.Cols > to || r.FromCol+r.Cols > from {
		return nil, false
	}
	for i, d := range dims {
		if out[i]%to == 0 && in[i]%from == 0 {
			continue
		}
		if d > maxRowParts { // columns some distance apart: a part for each
			return nil, false
		}
		var parts []RowPart
		for at := range d {
			one := Part{From: p.From, Dims: slices.Delete(slices.Clone(dims), i, i+1), Out: p.Out + at*out[i], OutStrides: slices.Delete(slices.Clone(out[:len(dims)]), i, i+1),
				In: p.In + at*in[i], InStrides: slices.Delete(slices.Clone(in[:len(dims)]), i, i+1)}
			one.Dims, one.OutStrides, one.InStrides = append(one.Dims, r.Cols), append(one.OutStrides, 1), append(one.InStrides, 1)
			more, ok := rowParts(one, to, from)
			if !ok || len(parts)+len(more) > maxRowParts {
				return nil, false
			}
			parts = append(parts, more...)
		}
		return parts, true
	}
	if n := len(dims) - 1; n >= 0 {
		r.Rows, r.DstStep, r.SrcStep = dims[n], out[n]/to, in[n]/from
		dims = dims[:n]
	}
	if ir.Size(dims) > maxRowParts {
		return nil, false
	}
	var parts []RowPart
	dst, src := boxIndex(dims, r.Dst, rowStrides(out, to, len(dims))), boxIndex(dims, r.Src, rowStrides(in, from, len(dims)))
	for i, d := range dst {
		r.Dst, r.Src = d, src[i]
		parts = append(parts, r)
	}
	return parts, true
}

func rowStrides(strides []int, features, n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = strides[i] / features
	}
	return rows
}

// WholeRows reports whether the part moves all features of rows to rows of as many features.
func (r RowPart) WholeRows(to, from int) bool { return r.Cols == to && r.Cols == from }

// Prefix reports whether the result of m, in panels, is the first rows of its one input, in panels too.
func (m *Move) Prefix(in []*ir.Value) bool {
	if len(in) != 1 || !m.Pack || len(m.Parts) != 1 || in[0].Type.Layout != ir.Panels {
		return false
	}
	r, ok := m.RowParts(in)
	n := m.Shape[len(m.Shape)-1]
	return ok && len(r) == 1 && r[0].WholeRows(n, in[0].Type.Features()) && r[0].Dst == 0 && r[0].Src == 0 && r[0].inOrder() &&
		r[0].Rows == ir.Size(m.Shape)/n
}

// inOrder reports whether successive rows go to successive rows.
func (r RowPart) inOrder() bool { return r.Rows == 1 || r.DstStep == 1 && r.SrcStep == 1 }

// Stays reports whether the part moves whole rows to where they are in the input already.
func (r RowPart) Stays(to, from int) bool {
	return r.WholeRows(to, from) && r.Dst == r.Src && r.inOrder()
}
