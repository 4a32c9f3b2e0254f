package asm

// window is how many instructions ahead and behind a core looks at, about, when it fills its units.
const window = 12

// multiply decides which additions are multiplications by one and additions, which have the same result, so that in every
// stretch of code as many instructions take the units for the one as for the other. The code is taken to follow itself.
func (c *code) multiply() []bool {
	forced := make([]int, len(c.ops)) // 1: an adder, -1: a multiplier, 0: neither or the choice is free
	free := make([]bool, len(c.ops))
	for i, o := range c.ops {
		switch o.kind {
		case opAdd, opSub:
			if free[i] = c.inPlace(i); !free[i] {
				forced[i] = 1
			}
		case opMax, opMin:
			forced[i] = 1
		case opMul, opFMA, opFNMA, opDiv, opSqrt:
			forced[i] = -1
		case opStore:
			if c.set == AVX512 { // takes a multiplier's port to read
				forced[i] = -1
			}
		}
	}
	n := len(c.ops)
	if n == 0 {
		return nil
	}
	ahead := 0 // of the next instructions whose units are known: adders less multipliers
	for i := range window {
		ahead += forced[i%n]
	}
	behind := 0 // of those before, as far as the core has not caught up
	out := make([]bool, n)
	for i := range n {
		ahead += forced[(i+window)%n] - forced[i]
		if free[i] {
			forced[i] = 1
			if out[i] = behind+ahead > 0; out[i] {
				forced[i] = -1
			}
		}
		behind = min(max(behind+forced[i], -window), window)
	}
	return out
}

// inPlace reports whether the result of the addition i can take the place of an operand.
func (c *code) inPlace(i int) bool {
	last := func(v int) bool {
		u := c.values[v].uses
		return c.values[v].from.kind != zero && u[len(u)-1] == i
	}
	x, y := c.ops[i].args[0], c.ops[i].args[1]
	return x != y && (last(x) || c.ops[i].kind == opAdd && last(y))
}
