// SPDX-License-Identifier: MIT-0

package runtime

import "os"

// Paths are the instruction sets that kernels are written for, lowest first. All give the same bits.
const (
	pathPureGo = iota
	pathAVX2   // and FMA3
	pathAVX512 // F, BW, DQ, VL
)

var pathNames = [...]string{"purego", "avx2", "avx512"}

// path is the best path of this machine, or a lower one that the environment variable SBTC_CPU names.
var path = choosePath(bestPath(), os.Getenv("SBTC_CPU"))

// choosePath is best, or the lower path called name; another name counts as none.
func choosePath(best int, name string) int {
	for p, n := range pathNames {
		if n == name && p < best {
			return p
		}
	}
	return best
}
