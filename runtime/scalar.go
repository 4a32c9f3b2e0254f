// SPDX-License-Identifier: MIT-0

package runtime

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type signed interface {
	int8 | int16 | int32 | int64
}

type floating interface{ float32 | float64 }

type number interface{ integer | floating }

// sel is c ? a : b.
func sel[T any](c bool, a, b T) T {
	if c {
		return a
	}
	return b
}

// maxNum is ONNX's Max: a NaN wins.
func maxNum[T number](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

// minNum is ONNX's Min: a NaN wins.
func minNum[T number](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

// clampMax keeps a NaN in b only, as MAXPS with b as its second source does.
func clampMax[T number](a, b T) T {
	if a > b {
		return a
	}
	return b
}

// clampMin keeps a NaN in b only.
func clampMin[T number](a, b T) T {
	if a < b {
		return a
	}
	return b
}

// relu keeps NaN and the sign of a zero.
func relu[T signed | floating](a T) T {
	if a < 0 {
		return 0
	}
	return a
}

// sign is -1, 1 or, for a zero or NaN, a.
func sign[T signed | floating](a T) T {
	switch {
	case a > 0:
		return 1
	case a < 0:
		return -1
	}
	return a
}

// signUint is sign for types that have no negative values.
func signUint[T integer](a T) T { return min(a, 1) }

// abs32 clears the sign, of a NaN too.
func abs32(a float32) float32 { return f32frombits(f32bits(a) &^ (1 << 31)) }

// absInt wraps: the least value of a type is its own.
func absInt[T signed](a T) T {
	if a < 0 {
		return -a
	}
	return a
}

// divInt truncates toward zero; a quotient by zero is 0.
func divInt[T integer](a, b T) T {
	if b == 0 {
		return 0
	}
	return a / b
}

// remInt has the sign of a; a remainder by zero is 0.
func remInt[T integer](a, b T) T {
	if b == 0 {
		return 0
	}
	return a % b
}

// modInt has the sign of b; a remainder by zero is 0.
func modInt[T integer](a, b T) T {
	m := remInt(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

// shl gives 0 for a negative count.
func shl[T integer](a, n T) T {
	if n < 0 {
		return 0
	}
	return a << n
}

// shr gives 0 for a negative count.
func shr[T integer](a, n T) T {
	if n < 0 {
		return 0
	}
	return a >> n
}

func isNaN[T floating](a T) bool { return a != a }

func isInf[T floating](a T) bool { return isPosInf(a) || isNegInf(a) }

func isPosInf[T floating](a T) bool { return float64(a) > 0x1.fffffffffffffp+1023 }

func isNegInf[T floating](a T) bool { return float64(a) < -0x1.fffffffffffffp+1023 }
