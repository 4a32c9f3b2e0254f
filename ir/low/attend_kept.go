package low

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
)

// Kept returns the inputs of an Attend that say which elements of keys and values count, nil if all do.
func Kept[T any](in []*T) (keys, values *T) {
	if len(in) < 6 {
		return nil, nil
	}
	return in[4], in[5]
}

// KeptProducts is how many products a query of every head has with the elements that count: in its scores and in its results.
func (a *Attend) KeptProducts(in []*ir.Value) (keys, values int) {
	k, v := Kept(in)
	group := a.Heads / a.KVHeads
	return group * count(ir.Data[bool](k.Const)), group * count(ir.Data[bool](v.Const))
}

func count(x []bool) (n int) {
	for _, on := range x {
		if on {
			n++
		}
	}
	return n
}

// MaxKept is the most keys, and the most features of a head, among which elements that count can be chosen.
const MaxKept = 1<<16 - 1

func (a *Attend) inferKept(in []*ir.Value, keys, values *ir.Value) error {
	if keys == nil || values == nil || in[3] != nil || a.Finite != nil {
		return fmt.Errorf("elements that count are those of keys and of values, for queries that see all keys")
	}
	for i, x := range []*ir.Value{keys, values} {
		t := in[1+i].Type
		if c := x.Const; c == nil || c.DType != ir.Bool || len(c.Shape) != 2 || c.Shape[0] != t.Shape[1] || c.Shape[1] != t.Shape[2] {
			return fmt.Errorf("which elements of %v count is said by constants, not by %v", t, x.Type)
		}
		if t.Shape[1] > MaxKept || t.Shape[2]/a.KVHeads > MaxKept {
			return fmt.Errorf("%v has more than %d keys or features of a head", t, MaxKept)
		}
	}
	return nil
}

func keptElements(in []*ir.Tensor) (keys, values []bool) {
	if k, v := Kept(in); k != nil {
		return ir.Data[bool](k), ir.Data[bool](v)
	}
	return nil, nil
}
