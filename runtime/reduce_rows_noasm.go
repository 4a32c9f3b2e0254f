// SPDX-License-Identifier: MIT-0

//go:build !amd64 || purego

package runtime

func rowsSum(dst, src []float32, n int) { rowsSumGeneric(dst, src, n) }
func rowsMax(dst, src []float32, n int) { rowsMaxGeneric(dst, src, n) }
func rowsMin(dst, src []float32, n int) { rowsMinGeneric(dst, src, n) }
