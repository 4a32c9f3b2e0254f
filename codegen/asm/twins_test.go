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
	if l.first != nil {
		t.first = l.first.variant(r)
		t.First = &t.first.Layer
	}
	return &t
}
