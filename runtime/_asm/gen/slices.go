// SPDX-License-Identifier: MIT-0

package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Slices writes three loops over n elements: over several vectors at a time, over one, and the rest of less than one. body
// handles the vectors at the pointers, which advance.
func (a *Asm) Slices(n reg.GPVirtual, unroll int, ptrs []reg.GPVirtual, body func(vecs int, t Tail)) {
	loop := func(name string, vecs int) {
		a.Label(name)
		a.CMPQ(n, operand.U32(vecs*a.Lanes))
		a.JLT(operand.LabelRef(name + "End"))
		body(vecs, Tail{})
		for _, p := range ptrs {
			a.ADDQ(operand.U32(vecs*a.Bytes()), p)
		}
		a.SUBQ(operand.U32(vecs*a.Lanes), n)
		a.JMP(operand.LabelRef(name))
		a.Label(name + "End")
	}
	loop("block", unroll)
	loop("vector", 1)
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("done"))
	body(1, a.NewTail(n))
	a.Label("done")
}
