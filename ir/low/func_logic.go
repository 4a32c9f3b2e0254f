package low

import "math"

// logic is comparisons, truth values and choice. A comparison with NaN is false, but ne true; where(c,a,b) is a if c.
var logic = []function{
	{name: "eq", sig: "TT>B", f32: eq[float32], f64: eq[float64], i64: eq[int64], b: eq[bool], text: "(%s == %s)"},
	{name: "ne", sig: "TT>B", f32: ne[float32], f64: ne[float64], i64: ne[int64], b: ne[bool], text: "(%s != %s)"},
	{name: "lt", sig: "TT>B", f32: lt[float32], f64: lt[float64], i64: lt[int64], u64: lt[uint64], text: "(%s < %s)"},
	{name: "le", sig: "TT>B", f32: le[float32], f64: le[float64], i64: le[int64], u64: le[uint64], text: "(%s <= %s)"},
	{name: "gt", sig: "TT>B", f32: gt[float32], f64: gt[float64], i64: gt[int64], u64: gt[uint64], text: "(%s > %s)"},
	{name: "ge", sig: "TT>B", f32: ge[float32], f64: ge[float64], i64: ge[int64], u64: ge[uint64], text: "(%s >= %s)"},
	{name: "and", sig: "BB>B", b: func(a, b bool) bool { return a && b }, text: "(%s && %s)"},
	{name: "or", sig: "BB>B", b: func(a, b bool) bool { return a || b }, text: "(%s || %s)"},
	{name: "xor", sig: "BB>B", b: ne[bool], text: "(%s != %s)"},
	{name: "not", sig: "B>B", b: func(a bool) bool { return !a }, text: "(!%s)"},
	{name: "where", sig: "BTT>T", weight: 2, f32: choose[float32]{}, f64: choose[float64]{}, i64: choose[int64]{}, b: choose[bool]{}, text: "sel(%s, %s, %s)"},
	{name: "isnan", sig: "T>B", f32: isNaN[float32], f64: isNaN[float64], text: "isNaN(%s)"},
	{name: "isinf", sig: "T>B", f32: isInf[float32](0), f64: isInf[float64](0), text: "isInf(%s)"},
	{name: "isposinf", sig: "T>B", f32: isInf[float32](1), f64: isInf[float64](1), text: "isPosInf(%s)"},
	{name: "isneginf", sig: "T>B", f32: isInf[float32](-1), f64: isInf[float64](-1), text: "isNegInf(%s)"},
}

type choose[T any] struct{}

func eq[T comparable](a, b T) bool { return a == b }
func ne[T comparable](a, b T) bool { return a != b }
func lt[T number](a, b T) bool     { return a < b }
func le[T number](a, b T) bool     { return a <= b }
func gt[T number](a, b T) bool     { return a > b }
func ge[T number](a, b T) bool     { return a >= b }

func isNaN[T floating](a T) bool { return a != a }

func isInf[T floating](sign int) func(T) bool {
	return func(a T) bool { return math.IsInf(float64(a), sign) }
}
