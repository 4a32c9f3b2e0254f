// SPDX-License-Identifier: MIT-0

package runtime

// copyBox copies dst[to+i·ds] = src[from+i·ss] for every index vector i below d.
func copyBox[T any](dst []T, to int, src []T, from int, d, ds, ss [6]int) {
	for i0 := range d[0] {
		for i1 := range d[1] {
			for i2 := range d[2] {
				for i3 := range d[3] {
					o := to + i0*ds[0] + i1*ds[1] + i2*ds[2] + i3*ds[3]
					s := from + i0*ss[0] + i1*ss[1] + i2*ss[2] + i3*ss[3]
					for range d[4] {
						copyLine(dst, o, ds[5], src, s, ss[5], d[5])
						o += ds[4]
						s += ss[4]
					}
				}
			}
		}
	}
}

func copyLine[T any](dst []T, o, ds int, src []T, s, ss, n int) {
	if n == 0 {
		return
	}
	if ds == 1 && ss == 1 {
		copy(dst[o:o+n], src[s:s+n])
		return
	}
	for range n {
		dst[o] = src[s]
		o += ds
		s += ss
	}
}

// fill sets every element of dst.
func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// canonNaN64 gives every NaN the bits 0x7ff8000000000000.
func canonNaN64(x []float64) {
	for i, v := range x {
		if v != v {
			x[i] = nan64
		}
	}
}

// canonNaN16 gives every NaN of a 16-bit format, whose infinity has the bits inf, the bits nan.
func canonNaN16(x []uint16, inf, nan uint16) {
	for i, v := range x {
		if v&0x7fff > inf {
			x[i] = nan
		}
	}
}
