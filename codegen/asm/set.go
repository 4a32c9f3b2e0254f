package asm

import "fmt"

// Set is an instruction set.
type Set int

// The sets, as a package's paths name them.
const (
	AVX2 Set = iota
	AVX512
)

func (s Set) String() string {
	if s == AVX512 {
		return "AVX512"
	}
	return "AVX2"
}

// registers is how many vectors the registers hold, width the bytes of one.
func (s Set) registers() int { return 16 << s }

func (s Set) width() int { return 32 << s }

// columns is how many sums a block keeps in registers: what is left beside the factor of one, two rows and their sum.
func (s Set) columns() int {
	if s == AVX512 {
		return 27
	}
	return 12
}

// broadcastQuad loads four float32 into every four lanes.
func (s Set) broadcastQuad() string {
	if s == AVX512 {
		return "VBROADCASTF32X4"
	}
	return "VBROADCASTF128"
}

var registerNames = func() (names [2][32]string) {
	for i := range 32 {
		names[AVX2][i], names[AVX512][i] = fmt.Sprintf("Y%d", i), fmt.Sprintf("Z%d", i)
	}
	return names
}()

func (s Set) reg(i int) string { return registerNames[s][i] }

// longMap tells the instructions of the second opcode map, whose VEX prefix always has three bytes.
var longMap = map[string]bool{
	"VFMADD231PS": true, "VFNMADD231PS": true, "VFMADD213PS": true, "VFNMADD213PS": true, "VBROADCASTSS": true,
	"VBROADCASTF128": true, "VPERMILPS": true,
}

// size is the length in bytes of an instruction whose last operand to be encoded is register rm, or memory if rm is
// negative: then disp is the displacement, which EVEX divides by unit where it can.
func (s Set) size(op string, rm, disp, unit int) int {
	n := 6
	if s == AVX2 {
		n, unit = 4, 1
		if longMap[op] || rm >= 8 {
			n = 5
		}
	}
	switch {
	case rm >= 0 || disp == 0:
		return n
	case disp%unit == 0 && disp/unit >= -128 && disp/unit < 128:
		return n + 1
	}
	return n + 4
}
