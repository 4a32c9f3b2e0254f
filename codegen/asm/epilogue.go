package asm

import (
	"math"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// epilogueOps are the functions that an epilogue can have.
var epilogueOps = map[string]func(c *code, m *matrix, a []int) int{
	"add":      func(c *code, _ *matrix, a []int) int { return c.do(opAdd, a...) },
	"sub":      func(c *code, _ *matrix, a []int) int { return c.do(opSub, a...) },
	"mul":      func(c *code, _ *matrix, a []int) int { return c.do(opMul, a...) },
	"div":      func(c *code, _ *matrix, a []int) int { return c.do(opDiv, a...) },
	"fma":      func(c *code, _ *matrix, a []int) int { return c.do(opFMA, a...) },
	"clampmax": func(c *code, _ *matrix, a []int) int { return c.do(opMax, a...) },
	"clampmin": func(c *code, _ *matrix, a []int) int { return c.do(opMin, a...) },
	"relu":     func(c *code, _ *matrix, a []int) int { return c.do(opMax, c.zero(), a[0]) },
	"sqrt":     func(c *code, _ *matrix, a []int) int { return c.do(opSqrt, a...) },
	"neg":      func(c *code, m *matrix, a []int) int { return c.do(opXor, a[0], m.uniform(c, minusZero)) },
	"abs":      func(c *code, m *matrix, a []int) int { return c.do(opAnd, a[0], m.uniform(c, magnitude)) },
	"reciprocal": func(c *code, m *matrix, a []int) int {
		return c.do(opDiv, m.uniform(c, 1), a[0])
	},
}

// minusZero is the sign bit, magnitude all others.
var minusZero, magnitude = math.Float32frombits(1 << 31), math.Float32frombits(1<<31 - 1)

// epilogue applies scale, bias and expression to a sum.
func (m *matrix) epilogue(c *code, j, acc int) int {
	y := acc
	switch {
	case m.negated[j]:
		y = c.do(opFNMA, m.constant(c, m.scale, j), acc, m.constant(c, m.bias, j))
	case m.bias != nil:
		y = c.do(opFMA, m.constant(c, m.scale, j), acc, m.constant(c, m.bias, j))
	case m.scale.are(1): // x·1 is x
	default:
		y = c.do(opMul, acc, m.constant(c, m.scale, j))
	}
	if m.Act.IsZero() {
		return y
	}
	return m.expr(c, m.Act, j, y, map[string]int{})
}

func (m *matrix) expr(c *code, e low.Expr, j, x0 int, known map[string]int) int {
	if v, ok := e.Literal(); ok {
		return m.uniform(c, float32(v))
	}
	if i, ok := e.Input(); ok {
		switch {
		case i == 0:
			return x0
		case m.rows[i-1] != nil:
			return m.constant(c, m.rows[i-1], j)
		}
		return c.load(source{vector, m.extra[i], j * 4 * ir.Lanes})
	}
	key := e.String()
	if v, ok := known[key]; ok {
		return v
	}
	fn, es := e.Result()
	args := make([]int, len(es))
	for k, a := range es {
		args[k] = m.expr(c, a, j, x0, known)
	}
	known[key] = epilogueOps[fn](c, m, args)
	return known[key]
}
