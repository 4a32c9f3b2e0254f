// SPDX-License-Identifier: MIT-0

package runtime

// 16-bit floats are computed with in float32 and narrowed when stored.

func widenFloat16(dst []float32, src []uint16) {
	for i, v := range src {
		dst[i] = f16to32(v)
	}
}

func widenBFloat16(dst []float32, src []uint16) {
	for i, v := range src {
		dst[i] = bf16to32(v)
	}
}

func narrowFloat16(dst []uint16, src []float32) {
	for i, v := range src {
		dst[i] = f32tof16(v)
	}
}

func narrowBFloat16(dst []uint16, src []float32) {
	for i, v := range src {
		dst[i] = f32tobf16(v)
	}
}

// repeat fills dst with copies of row.
func repeat[T any](dst, row []T) {
	for i := 0; i < len(dst); i += len(row) {
		copy(dst[i:], row)
	}
}
