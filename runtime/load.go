// SPDX-License-Identifier: MIT-0

package runtime

import (
	"errors"
	"hash/crc32"
	"math"
)

// Loaders of sections of weights.bin, which are little-endian.

// checkWeights makes sure that weights.bin has the length n and the CRC-32 that it was written with.
func checkWeights(s string, n int, sum uint32) error {
	var got uint32
	var buf [4096]byte
	for rest := s; len(rest) > 0; {
		k := copy(buf[:], rest)
		got = crc32.Update(got, crc32.IEEETable, buf[:k])
		rest = rest[k:]
	}
	if len(s) != n || got != sum {
		return errors.New("weights.bin is damaged or not of this package: compile the model again")
	}
	return nil
}

// repeated returns n elements: those of x again and again.
func repeated[T any](x []T, n int) []T {
	out := make([]T, n)
	for i := copy(out, x); i < n; {
		i += copy(out[i:], out[:i])
	}
	return out
}

// eachLane returns the elements of x, each for 16 lanes.
func eachLane(x []float32) []float32 {
	out := make([]float32, len(x)*lanes)
	for i, v := range x {
		for l := range lanes {
			out[i*lanes+l] = v
		}
	}
	return out
}

// indexed returns n of the elements of x: those that the code lists in so many bits each, low bits first. The number of
// bits divides 8.
func indexed[T any](x []T, code string, bits, n int) []T {
	out := make([]T, n)
	mask := byte(1<<bits - 1)
	for i, rest := 0, out; i < len(code); i++ {
		c, some := code[i], rest[:min(8/bits, len(rest))]
		for l := range some {
			some[l] = x[c&mask]
			c >>= bits
		}
		rest = rest[len(some):]
	}
	return out
}

func loadBits(s string, n int) (u uint64) {
	for i := range n {
		u |= uint64(s[i]) << (8 * i)
	}
	return u
}

func loadFloat32(s string) []float32 {
	out := make([]float32, len(s)/4)
	rest := out
	for ; len(rest) >= 4 && len(s) >= 16; rest, s = rest[4:], s[16:] {
		rest[0], rest[1], rest[2], rest[3] = loadOne(s), loadOne(s[4:]), loadOne(s[8:]), loadOne(s[12:])
	}
	for i := range rest {
		rest[i] = loadOne(s[4*i:])
	}
	return out
}

func loadOne(s string) float32 {
	return math.Float32frombits(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

func loadFloat64(s string) []float64 {
	out := make([]float64, len(s)/8)
	for i := range out {
		out[i] = math.Float64frombits(loadBits(s[8*i:], 8))
	}
	return out
}

func loadInt[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](s string) []T {
	size := 1
	for ; size < 8 && T(1)<<(8*size) != 0; size *= 2 { // a shift by the width gives 0
	}
	out := make([]T, len(s)/size)
	for i := range out {
		out[i] = T(loadBits(s[size*i:], size))
	}
	return out
}

func loadBool(s string) []bool {
	out := make([]bool, len(s))
	for i := range out {
		out[i] = s[i] != 0
	}
	return out
}

func loadComplex64(s string) []complex64 {
	f := loadFloat32(s)
	out := make([]complex64, len(f)/2)
	for i := range out {
		out[i] = complex(f[2*i], f[2*i+1])
	}
	return out
}

func loadComplex128(s string) []complex128 {
	f := loadFloat64(s)
	out := make([]complex128, len(f)/2)
	for i := range out {
		out[i] = complex(f[2*i], f[2*i+1])
	}
	return out
}

// loadString reads strings that follow their lengths, which are stored seven bits a byte, low bits first.
func loadString(s string) (out []string) {
	for len(s) > 0 {
		n, shift := 0, 0
		for s[0] >= 0x80 {
			n |= int(s[0]&0x7f) << shift
			shift += 7
			s = s[1:]
		}
		n |= int(s[0]) << shift
		out = append(out, s[1:1+n])
		s = s[1+n:]
	}
	return out
}

// packedPanels returns a row-major matrix as panels.
func packedPanels(x []float32, rows, n int) []float32 {
	out := make([]float32, (rows+lanes-1)/lanes*lanes*n)
	packPanels(out, x, rows, n)
	return out
}
