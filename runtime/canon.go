// SPDX-License-Identifier: MIT-0

package runtime

// canonNaN32Generic gives every NaN the bits 0x7fc00000.
func canonNaN32Generic(x []float32) {
	for i, v := range x {
		if v != v {
			x[i] = nan32
		}
	}
}
