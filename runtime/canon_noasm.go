// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

// canonNaN32 gives every NaN the bits 0x7fc00000.
func canonNaN32(x []float32) { canonNaN32Generic(x) }
