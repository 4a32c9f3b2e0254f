package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/codegen/asm"
	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// attention is one that skips products, as code: functions for each instruction set and head of keys, none if it keeps to lists.
type attention struct {
	asm.Attend
	result string // name of its value in the graph
	panels int
	code   low.Code
	heads  [asm.AVX512 + 1][]asm.AttendHead
	pool   *asm.Pool
}

// attend notes an attention that may become code and returns its name, "" if it may not.
func (l *layers) attend(e *emitter, n *ir.Node, op *low.Attend) string {
	q, k, v := n.In[0].Type, n.In[1], n.In[2].Type
	if op.Code == low.CodeNone || e.opt.Mode != Speed || e.opt.CodeBudget < 0 || q.Layout != ir.Panels || q.Shape[0] > 1 && e.own(k) == 0 {
		return ""
	}
	keys, values := low.Kept(n.In)
	a := &attention{code: op.Code, result: n.Out[0].Name, panels: q.Shape[0] * panelsOfRows(q.Shape[1]), Attend: asm.Attend{
		Name:  fmt.Sprintf("kept%d", len(l.attends)+1),
		Heads: op.Heads, KVHeads: op.KVHeads, Keys: k.Type.Shape[1], DH: q.Shape[2] / op.Heads, DV: v.Shape[2] / op.KVHeads,
		Scale: op.Scale, KeptKeys: ir.Data[bool](keys.Const), KeptValues: ir.Data[bool](values.Const),
	}}
	l.attends = append(l.attends, a)
	return a.Name
}

// printAttends makes the functions of the attentions that are to have some, and of no more than the budget allows. It returns what is left of it.
func (l *layers) printAttends(set asm.Set, budget int) (int, error) {
	for _, a := range l.attends {
		if !has(a.code, set) || a.Least(set) > budget || set == asm.AVX2 && a.heads[asm.AVX512] == nil {
			continue
		}
		if a.pool == nil {
			a.pool = asm.NewPool(a.Name, 1)
		}
		heads, err := a.Functions(set, a.pool)
		if err != nil {
			return 0, err
		}
		a.heads[set] = heads
		if n := a.bytes(set); n <= budget {
			budget -= n
		} else {
			a.heads[set] = nil
		}
	}
	return budget, nil
}

func (a *attention) bytes(set asm.Set) (n int) {
	for _, h := range a.heads[set] {
		n += bytesOf(h.Scores) + bytesOf(h.Values)
	}
	return n
}

// coded tells of the attention.
func (a *attention) coded() Coded {
	c := Coded{Name: a.Name, Result: a.result, Panels: a.panels, AVX512: a.bytes(asm.AVX512), AVX2: a.bytes(asm.AVX2)}
	for _, on := range slices.Concat(a.KeptKeys, a.KeptValues) {
		if on {
			c.Adds += a.Heads / a.KVHeads
		}
	}
	return c
}

const keptTable = "[pathAVX512 + 1][]keptCode"

// none declares that there is no code.
func (a *attention) none(none *strings.Builder) {
	fmt.Fprintf(none, "\n%s", leastConst(a.Name, "pathAVX512 + 1"))
	fmt.Fprintf(none, "\n// %s is empty: there is no code for it.\nvar %[1]s %s\n", a.Name, keptTable)
}

// write writes the functions, their declarations, and the table of them.
func (a *attention) write(s, stubs *strings.Builder) {
	fmt.Fprintf(stubs, "\n%s", leastConst(a.Name, leastWith(a.heads[asm.AVX512] != nil, a.heads[asm.AVX2] != nil)))
	fmt.Fprintf(stubs, "\n// %s is an attention whose pattern is code, for each path and head of keys.\nvar %[1]s = %s{\n", a.Name, keptTable)
	for set, heads := range a.heads {
		if heads == nil {
			continue
		}
		fmt.Fprintf(stubs, "\tpath%v: {\n", asm.Set(set))
		for _, h := range heads {
			stubs.WriteString("\t\t{\n")
			for i, fs := range [][]asm.Function{h.Scores, h.Values} {
				fmt.Fprintf(stubs, "\t\t\t%s: []func(dst, src *float32, panels int, x *float32){", []string{"scores", "values"}[i])
				for j, f := range fs {
					if j > 0 {
						stubs.WriteString(", ")
					}
					stubs.WriteString(f.Name)
				}
				stubs.WriteString("},\n")
			}
			stubs.WriteString("\t\t},\n")
		}
		stubs.WriteString("\t},\n")
	}
	stubs.WriteString("}\n")
	for _, heads := range a.heads {
		for _, h := range heads {
			for _, f := range slices.Concat(h.Scores, h.Values) {
				fmt.Fprintf(stubs, "\n//go:noescape\nfunc %s(dst, src *float32, panels int, x *float32)\n", f.Name)
				s.WriteString("\n" + f.Text)
			}
		}
	}
	if a.heads[asm.AVX512] != nil {
		s.WriteString("\n" + a.pool.Text())
	}
}
