// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func contract32(dst, a, b []float32, p *product) { contract32Generic(dst, a, b, p) }
