// SPDX-License-Identifier: MIT-0

// Command elem writes elem_amd64.s: sums, differences, products, maxima and relu of slices, and products with a number.
package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/sbtc-go/sbtc/runtime/_asm/gen"
)

// unordered compares whether one of two is NaN.
const unordered = 3

func main() {
	a := gen.NewAsm()
	for _, isa := range gen.ISAs {
		binary := func(name, sign string, op func(b, a, y operand.Op)) {
			a.Begin(isa, name, "func(dst, x, y []float32)", "computes dst[i] = x[i] "+sign+" y[i]; dst may be x or y.")
			dst, x, y := a.Base("dst"), a.Base("x"), a.Base("y")
			a.Slices(a.Len("dst"), 4, []reg.GPVirtual{dst, x, y}, func(vecs int, t gen.Tail) {
				for i := range vecs {
					v := a.Load(a.At(x, i), t)
					op(a.Load(a.At(y, i), t), v, v)
					a.Store(v, a.At(dst, i), t)
				}
			})
			a.End()
		}
		binary("add32", "+", func(y, x, v operand.Op) { a.VADDPS(y, x, v) })
		binary("sub32", "-", func(y, x, v operand.Op) { a.VSUBPS(y, x, v) })
		binary("mul32", "*", func(y, x, v operand.Op) { a.VMULPS(y, x, v) })

		binary("max32", "or, where that is larger or NaN,", func(y, x, v operand.Op) {
			if isa == gen.AVX512 {
				k := a.K()
				a.VCMPPS(operand.Imm(unordered), y, y, k)
				a.VMAXPS(x, y, v) // x where y > x is not true
				a.VMOVAPS(y, k, v)
				return
			}
			k := a.Vec()
			a.VCMPPS(operand.Imm(unordered), y, y, k)
			a.VMAXPS(x, y, v)
			a.VBLENDVPS(k, y, v, v)
		})

		a.Begin(isa, "scale32", "func(dst, x []float32, factor float32)", "computes dst[i] = x[i] * factor; dst may be x.")
		to, from, factor := a.Base("dst"), a.Base("x"), a.Vec()
		word, err := a.Param("factor").Resolve()
		if err != nil {
			panic(err)
		}
		a.VBROADCASTSS(word.Addr, factor)
		a.Slices(a.Len("dst"), 4, []reg.GPVirtual{to, from}, func(vecs int, t gen.Tail) {
			for i := range vecs {
				v := a.Load(a.At(from, i), t)
				a.VMULPS(factor, v, v)
				a.Store(v, a.At(to, i), t)
			}
		})
		a.End()

		a.Begin(isa, "relu32", "func(dst, x []float32)", "computes dst[i] = x[i] < 0 ? 0 : x[i]; dst may be x.")
		dst, x, zero := a.Base("dst"), a.Base("x"), a.Zero()
		a.Slices(a.Len("dst"), 4, []reg.GPVirtual{dst, x}, func(vecs int, t gen.Tail) {
			for i := range vecs {
				v := a.Load(a.At(x, i), t)
				a.VMAXPS(v, zero, v) // x where 0 > x is not true: NaN and -0 stay
				a.Store(v, a.At(dst, i), t)
			}
		})
		a.End()
	}
	a.Write("elem", "elem_amd64")
}
