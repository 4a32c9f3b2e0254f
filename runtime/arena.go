// SPDX-License-Identifier: MIT-0

package runtime

import (
	"math"
	"unsafe"
)

var (
	inf32  = float32(math.Inf(1))
	nan32  = math.Float32frombits(0x7fc00000)
	nan64  = math.Float64frombits(0x7ff8000000000000)
	ones32 = math.Float32frombits(1<<32 - 1)
)

// lanes is the number of rows in a panel: an activation of R rows and F features is held as ceil(R/16) panels of F x 16
// elements, 16 rows side by side. Lanes beyond the last row hold copies of some row.
const lanes = 16

// view is n elements of the arena from a byte offset, which is a multiple of 8.
func view[T any](arena []uint64, offset, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&arena[offset/8])), n)
}
