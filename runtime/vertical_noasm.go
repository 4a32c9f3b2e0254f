// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func vertical(dst, a, b []float32, p *verticalProduct, more bool) {
	verticalGeneric(dst, a, b, p, more)
}
