package codegen

import "github.com/sbtc-go/sbtc/codegen/asm"

// Coded tells of a layer whose weights may be code.
type Coded struct {
	Name         string
	Result       string   // name of the layer's value in the graph
	First        string   // that of the layer before it, where both are one; else ""
	Adds, Panels int      // additions for a panel, and how many panels there are
	AVX512, AVX2 int      // bytes of code; 0 if it keeps to the loop
	Also         []string // those of layers that have the same sums, which are part of it
	Twin         string   // that of an earlier layer whose code this is, so that it takes no more bytes; "" if there is none
}

func (l *layers) coded() (out []Coded) {
	for _, a := range l.served() {
		c := Coded{
			Name: a.Name, Result: a.result, First: a.first, Adds: a.Schedule.Adds(), Panels: a.panels,
			AVX512: bytesOf(a.functions[asm.AVX512]), AVX2: bytesOf(a.functions[asm.AVX2]), Also: a.also,
		}
		if a.twin != nil {
			c.Twin = a.twin.result
		}
		if a.Sparse != nil {
			c.Adds = a.Sparse.Weights()
		}
		if a.First != nil {
			c.Adds += a.First.Schedule.Adds()
		}
		out = append(out, c)
	}
	for _, a := range l.attends {
		out = append(out, a.coded())
	}
	return out
}
