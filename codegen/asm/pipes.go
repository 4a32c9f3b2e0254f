package asm

// window is how many instructions before and after one its core looks at, about, when it fills its units.
const window = 32

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
		case opMul, opFMA, opFNMA, opDiv, opSqrt, opStore: // which takes a multiplier's port to read
			forced[i] = -1
		}
	}
	n := len(c.ops)
	if n == 0 {
		return nil
	}
	at := func(i int) int { return forced[(i%n+n)%n] }
	balance := 0 // of the instructions around i: adders less multipliers
	for i := -window; i < window; i++ {
		balance += at(i)
	}
	out := make([]bool, n)
	for i := range n {
		if i >= window {
			balance -= at(i - window)
		} else {
			balance -= at(i - window) // of the end, before its free ones are decided
		}
		balance += at(i + window)
		if free[i] {
			if out[i] = balance > 0; out[i] {
				forced[i] = -1
			} else {
				forced[i] = 1
			}
			balance += forced[i]
		}
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
