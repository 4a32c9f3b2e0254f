package check

import (
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// CodeOf says on which paths, avx512 and avx2, the weights of the node, or the elements that its attention skips, are machine
// code, and which kernel goes through lists of them on the others. The loop is empty if the node is no such layer.
func CodeOf(n *ir.Node) (code []string, loop string) {
	var c low.Code
	panels := n.Out[0].Type.Layout == ir.Panels
	switch o := n.Op.(type) {
	case *low.Linear:
		if o.Kind == "dense" {
			return nil, ""
		}
		loop = o.Kind
		if o.Kind == "ternary" && !o.AsLoop(n.In[1].Type.Shape[0]) {
			loop = "term"
		}
		switch {
		case o.Strategy == "perm" && !panels:
			return nil, "permRows"
		case !panels:
			return nil, loop + "Rows"
		}
		loop += "Panels"
		if c = o.Code; o.Strategy == "" {
			c = low.CodeNone
		}
	case *low.Attend:
		keys, _ := low.Kept(n.In)
		if keys == nil {
			return nil, ""
		}
		if c, loop = o.Code, "attendKept"; !panels {
			c = low.CodeNone
		}
	default:
		return nil, ""
	}
	switch c {
	case low.CodeAll:
		return []string{"avx512", "avx2"}, loop
	case low.CodeAVX512:
		return []string{"avx512"}, loop
	}
	return nil, loop
}
