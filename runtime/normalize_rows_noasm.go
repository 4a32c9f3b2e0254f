// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func scaleFactors(r, mean []float32, s *rowNorm, c *restRows) { scaleFactorsGeneric(r, mean, s, c) }

func normalizeRows(dst, x, rest, mean, r []float32, scale, bias *[lanes]float32, s *rowNorm, p int) {
	normalizeRowsGeneric(dst, x, rest, mean, r, scale, bias, s, p)
}
