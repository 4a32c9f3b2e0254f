// SPDX-License-Identifier: MIT-0

//go:build !purego

package runtime

// Columns whose codes stand side by side.
const (
	permVec   = permWidth / 16 // in words
	permBytes = 32             // in bytes
)

// pack makes room for the codes of n columns, and gives what packs a column. AVX-512 has words, by blocks of permWidth
// columns, of which the last may be narrower, and in these by steps of six groups. AVX2 has bytes with the sign on top, by
// blocks of permBytes columns, and in these by groups.
func (w *perm) pack(n int) func(j int, signs []uint8) {
	if path != pathAVX512 {
		w.start = make([]float32, (n+permBytes-1)/permBytes*permBytes)
		w.bytes = make([]uint8, len(w.start)*w.groups)
		return w.packBytes
	}
	w.start = make([]float32, (n+permVec-1)/permVec*permVec)
	w.codes = make([]uint32, w.steps()*len(w.start)+1) // kernels read half a word more
	return w.packWords
}

// packWords puts three codes in each half of a word, in the order in which kernels come by them.
func (w *perm) packWords(j int, signs []uint8) {
	from := j / permWidth * permWidth
	width := min(permWidth, len(w.start)-from)
	codes := w.codes[from*w.steps()+j-from:]
	for i := 0; len(signs) >= permSteps; i += width {
		s := (*[permSteps]uint8)(signs)
		codes[i] = permHalf(s[0], s[1], s[2]) | permHalf(s[3], s[4], s[5])<<16
		signs = signs[permSteps:]
	}
}

// permThird times half a word has its first code from bit 16 on.
const permThird = 0x2008

// permHalf is half a word with the codes of three groups: the second from bit 0 on, the third from bit 8 on. The bits between
// and above are such that the first one is in the product with permThird, in which the former count about 4 times, the latter
// once, and a carry from below at most once.
func permHalf(a, b, c uint8) uint32 {
	first, half := uint32(permCode[a%32]), uint32(permCode[b%32])|uint32(permCode[c%32])<<8
	half |= (first - half*permThird>>16 - 1) % 32 / 4 << 5
	return half | (first-half*permThird>>16)%32<<13
}

func (w *perm) packBytes(j int, signs []uint8) {
	// Unpacking interleaves within halves of a vector: their lanes of 4 columns are those of vectors of 8.
	at := j%8/4*16 + j%permBytes/8*4 + j%4
	codes := w.bytes[j/permBytes*permBytes*w.groups+at:]
	for g, s := range signs[:w.groups] {
		c := permCode[s%32]
		codes[g*permBytes] = c%permTable | c/permTable<<7
	}
}

// permRows multiplies row-major rows of k features by a matrix of n columns. A nil bias leaves scale·sum; tab is scratch for
// the tables: 32 elements for each group, completed to a multiple of six, and 3*permWidth more.
func permRows(dst, src []float32, w *perm, scale, bias, tab []float32, rows, k, n int) {
	if path == pathPureGo {
		permRowsGeneric(dst, src, w, scale, bias, tab, rows, k, n)
		return
	}
	spare := tab[len(tab)-3*permWidth:]
	tab = tab[:(w.groups+2)/3*3*permTable]
	for r := range rows {
		w.tables(tab, src[r*k:r*k+k], permTable)
		for y, j := dst[r*n:r*n+n], 0; j < n; {
			j += permBlock(y, w, scale, bias, tab, spare, j)
		}
	}
}

// permBlock computes columns from column j on; it gives their number, of which dst may have fewer. Only then it needs spare
// memory, which is not on the stack because it would be cleared.
func permBlock(dst []float32, w *perm, scale, bias, tab, spare []float32, j int) int {
	cols, at, width := permBytes, j*w.groups, 0
	if path == pathAVX512 {
		from := j / permWidth * permWidth
		width = min(permWidth, len(w.start)-from)
		at = from*w.steps() + j - from
		cols = permWidth
		for cols > from+width-j {
			cols /= 2
		}
	}
	if have := len(dst) - j; have < cols { // the others have neither scale nor bias
		out, s, b := spare[:permWidth], spare[permWidth:2*permWidth], spare[2*permWidth:]
		copy(s, scale[j:])
		if bias != nil {
			copy(b, bias[j:])
			bias = b
		}
		permKernel(&out[0], w, tab, at, s, bias, j, cols, width)
		copy(dst[j:], out)
		return cols
	}
	if bias != nil {
		bias = bias[j : j+cols]
	}
	permKernel(&dst[j], w, tab, at, scale[j:j+cols], bias, j, cols, width)
	return cols
}

// permKernel computes cols columns, whose codes begin at at.
func permKernel(dst *float32, w *perm, tab []float32, at int, scale, bias []float32, j, cols, width int) {
	start, threes := &w.start[j : j+cols][0], (w.groups+2)/3
	if path != pathAVX512 {
		_ = w.bytes[at+cols*w.groups-1]
		permSumsAVX2(dst, start, &tab[0], &w.bytes[at], &scale[0], first(bias), w.groups)
		return
	}
	_ = w.codes[at+(w.steps()-1)*width+cols]
	codes, step := &w.codes[at], 4*width
	switch cols {
	case 16 * permVec:
		permSums16AVX512(dst, start, &tab[0], codes, &scale[0], first(bias), threes, step)
	case 8 * permVec:
		permSums8AVX512(dst, start, &tab[0], codes, &scale[0], first(bias), threes, step)
	case 4 * permVec:
		permSums4AVX512(dst, start, &tab[0], codes, &scale[0], first(bias), threes, step)
	case 2 * permVec:
		permSums2AVX512(dst, start, &tab[0], codes, &scale[0], first(bias), threes, step)
	default:
		permSums1AVX512(dst, start, &tab[0], codes, &scale[0], first(bias), threes, step)
	}
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
	_, _ = x[3*groups-1], tab[groups*permTable-1]
	if path == pathAVX512 {
		permTablesAVX512(&tab[0], &x[0], groups)
	} else {
		permTablesAVX2(&tab[0], &x[0], groups)
	}
}

// permTablesAVX512 makes the tables of groups of three rows; entry 0 is -0.
//
//go:noescape
func permTablesAVX512(tab, x *float32, groups int)

// permTablesAVX2 stores the four bytes of the 16 entries apart, the lowest first; those of the highest are xor the numbers of
// their entries.
//
//go:noescape
func permTablesAVX2(tab, x *float32, groups int)

// A permSums<v>AVX512 computes 16·v columns. The codes of six groups are step bytes after those of the six before:
//
//	for j := range 16*v {
//		sum := start[j]
//		for g := range 3*threes {
//			sum += entry(tab[16*g:], code(g, j)) // negative from 16 on
//		}
//		dst[j] = fma32(scale[j], sum, bias[j]) // or scale[j]*sum for a nil bias
//	}
//
// where, with half := codes[g/6*step/4+j]>>(g%6/3*16)&0xffff, code is half*permThird>>16&31, half&31 or half>>8&31 for g%3 = 0,
// 1 or 2.

//go:noescape
func permSums16AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, threes, step int)

//go:noescape
func permSums8AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, threes, step int)

//go:noescape
func permSums4AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, threes, step int)

//go:noescape
func permSums2AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, threes, step int)

//go:noescape
func permSums1AVX512(dst, start, tab *float32, codes *uint32, scale, bias *float32, threes, step int)

// permSumsAVX2 computes 32 columns likewise, of groups groups, whose codes are packed by packBytes.
//
//go:noescape
func permSumsAVX2(dst, start, tab *float32, codes *uint8, scale, bias *float32, groups int)
