package asm

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// addTwin adds a layer that has the code of l, with constants, inputs and weights of its own.
func (l *testLayer) addTwin(r *rand.Rand) {
	t := l.variant(r)
	t.Name = fmt.Sprintf("%stwin%d", l.Name, len(l.twins)+1)
	if !AreTwins(&l.Layer, &t.Layer) {
		panic("layers that are no twins")
	}
	l.twins = append(l.twins, t)
	l.AddTwin(&t.Layer)
	for i, a := range t.also {
		a.want = a.eval(t.src)
		a.Name = fmt.Sprintf("%sof%d", t.Name, i+2)
	}
	switch {
	case l.Sparse != nil:
		t.want = t.multiply()
	case l.first != nil:
		t.want = t.eval(t.first.eval(t.src))
	default:
		t.want = t.eval(t.src)
	}
}

// variant is l with other numbers.
func (l *testLayer) variant(r *rand.Rand) *testLayer {
	n := l.Schedule.N
	t := *l
	t.Layer.twins, t.twins = nil, nil
	if l.Scale != nil {
		t.Scale = floats(r, n, r.IntN(2) == 0)
	}
	if t.Bias = nil; r.IntN(3) > 0 {
		t.Bias = floats(r, n, r.IntN(4) == 0)
	}
	t.Extra, t.extra = slices.Clone(l.Extra), nil
	for i, x := range l.Extra {
		if x.Row != nil {
			t.Extra[i].Row = floats(r, n, r.IntN(2) == 0)
		}
		t.extra = append(t.extra, floats(r, len(l.extra[i]), false))
	}
	t.src = floats(r, len(l.src), false)
	if l.weights != nil {
		t.weights = slices.Clone(l.weights)
		for i, w := range l.weights {
			if w != 0 {
				t.weights[i] = float32(r.NormFloat64())
			}
		}
	}
	t.Also, t.also = nil, nil
	for _, a := range l.also {
		t.share(a.variant(r))
	}
	if l.first != nil {
		t.first = l.first.variant(r)
		t.First = &t.first.Layer
	}
	return &t
}

// addAlso adds one or two layers that have the sums of l.
func (l *testLayer) addAlso(r *rand.Rand) {
	for i := range 1 + r.IntN(2) {
		a := &testLayer{panels: l.panels}
		a.Name, a.Schedule = fmt.Sprintf("%sof%d", l.Name, i+2), l.Schedule
		a.Scale = floats(r, l.Schedule.N, r.IntN(2) == 0)
		if r.IntN(3) > 0 {
			a.Bias = floats(r, l.Schedule.N, r.IntN(4) == 0)
		}
		a.drawEpilogue(r, acts[r.IntN(len(acts))])
		if l.share(a); !l.Fits() {
			l.Also, l.also = l.Also[:i], l.also[:i]
			return
		}
		a.want = a.eval(l.src)
	}
}

func (l *testLayer) share(a *testLayer) {
	l.Also, l.also = append(l.Also, &a.Layer), append(l.also, a)
}
