// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// permRows multiplies row-major rows of k features by a matrix of n columns. A nil bias leaves scale·sum; tab is scratch for
// the tables: 32 elements for each group, completed to a multiple of six.
func permRows(dst, src []float32, w *perm, scale, bias, tab []float32, rows, k, n int) {
	if path == pathPureGo {
		permRowsGeneric(dst, src, w, scale, bias, tab, rows, k, n)
		return
	}
	steps := w.steps()
	tab = tab[:steps*permSteps*permTable]
	for r := range rows {
		w.tables(tab, src[r*k:r*k+k], permTable)
		for j := 0; j < n; j += permWidth {
			width := min(permWidth, len(w.start)-j)
			codes := w.codes[j*steps:]
			for c := 0; c < width; {
				cols := permColumns(width - c)
				permBlock(dst[r*n:r*n+n], w.start, tab, codes[c:], scale, bias, j+c, cols, steps, width)
				c += cols
			}
		}
	}
}

// permColumns is how many of n columns, a multiple of permVec, a kernel takes.
func permColumns(n int) int {
	for c := permWidth; ; c /= 2 {
		if c <= n && (path == pathAVX512 || c <= 2*permVec) {
			return c
		}
	}
}

// permBlock computes cols columns from column j on, of those that dst has.
func permBlock(dst, start, tab []float32, codes []uint32, scale, bias []float32, j, cols, steps, width int) {
	_, _ = start[j+cols-1], codes[(steps-1)*width+cols-1]
	if have := len(dst) - j; have < cols { // the others have neither scale nor bias
		var out, s, b [permWidth]float32
		copy(s[:], scale[j:])
		if bias != nil {
			copy(b[:], bias[j:])
			bias = b[:]
		}
		permKernel(&out[0], &start[j], &tab[0], &codes[0], &s[0], first(bias), cols, steps, 4*width)
		copy(dst[j:], out[:])
		return
	}
	if bias != nil {
		bias = bias[j : j+cols]
	}
	permKernel(&dst[j], &start[j], &tab[0], &codes[0], &scale[j : j+cols][0], first(bias), cols, steps, 4*width)
}

// first is the address of the first element, nil if there is none.
func first(x []float32) *float32 {
	if len(x) == 0 {
		return nil
	}
	return &x[0]
}

func permTables(tab, x []float32, groups int) {
	switch {
	case groups == 0:
		return
	case path == pathPureGo:
		permTablesGeneric(tab, x, groups)
		return
	}
	_, _ = tab[groups*permTable-1], x[3*groups-1]
	if path == pathAVX512 {
		permTablesAVX512(&tab[0], &x[0], groups)
	} else {
		permTablesAVX2(&tab[0], &x[0], groups)
	}
}

func permKernel(dst, start, tab *float32, codes *uint32, scale, bias *float32, cols, steps, step int) {
	switch {
	case path == pathAVX512 && cols == 8*permVec:
		permSums8AVX512(dst, start, tab, codes, scale, bias, steps, step)
	case path == pathAVX512 && cols == 4*permVec:
		permSums4AVX512(dst, start, tab, codes, scale, bias, steps, step)
	case path == pathAVX512 && cols == 2*permVec:
		permSums2AVX512(dst, start, tab, codes, scale, bias, steps, step)
	case path == pathAVX512:
		permSums1AVX512(dst, start, tab, codes, scale, bias, steps, step)
	case cols == 2*permVec:
		permSums2AVX2(dst, start, tab, codes, scale, bias, steps, step)
	default:
		permSums1AVX2(dst, start, tab, codes, scale, bias, steps, step)
	}
}

// A permTables makes the tables of groups of three rows, -0 at entry 0.

//go:noescape
func permTablesAVX512(tab, x *float32, groups int)

//go:noescape
func permTablesAVX2(tab, x *float32, groups int)

// A permSums<v> computes 16·v columns. The codes of a step are step bytes after those of the one before:
//
//	for j := range 16*v {
//		sum := start[j]
//		for g := range 6*steps {
//			code := codes[g/6*step/4+j] >> permShift[g%6] & 31
//			sum += tab[16*g+code&15], negative if code > 15
//		}
//		dst[j] = fma32(scale[j], sum, bias[j]) // or scale[j]*sum for a nil bias
//	}

//go:noescape
func permSums8AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)

//go:noescape
func permSums4AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)

//go:noescape
func permSums2AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)

//go:noescape
func permSums1AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)

//go:noescape
func permSums2AVX2(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)

//go:noescape
func permSums1AVX2(dst, start, tab *float32, codes *uint32, scale, bias *float32, steps, step int)
