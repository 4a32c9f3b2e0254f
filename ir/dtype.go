package ir

import "fmt"

// DType is the element type of a tensor, numbered as ONNX's TensorProto.DataType.
type DType uint8

// The element types of ONNX 1.22.
const (
	Undefined DType = iota
	Float32
	Uint8
	Int8
	Uint16
	Int16
	Int32
	Int64
	String
	Bool
	Float16
	Float64
	Uint32
	Uint64
	Complex64
	Complex128
	BFloat16
	Float8E4M3FN
	Float8E4M3FNUZ
	Float8E5M2
	Float8E5M2FNUZ
	Uint4
	Int4
	Float4E2M1
	Float8E8M0
	Uint2
	Int2
	numDTypes
)

// names are those of ONNX's textual syntax (onnx/docs/Syntax.md).
var dtypeNames = [numDTypes]string{
	"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
	"uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
	"float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
}

func (d DType) String() string {
	if d < numDTypes {
		return dtypeNames[d]
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// ParseDType returns the element type that ONNX's textual syntax calls name.
func ParseDType(name string) (DType, error) {
	for d, n := range dtypeNames {
		if n == name && d != 0 {
			return DType(d), nil
		}
	}
	return Undefined, fmt.Errorf("unknown element type %q", name)
}

// Valid reports whether d is an element type that a tensor can have.
func (d DType) Valid() bool { return d > Undefined && d < numDTypes }

// MarshalText writes d as ONNX's textual syntax does.
func (d DType) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// IsFloat reports whether d is a real floating-point type of any width.
func (d DType) IsFloat() bool {
	return d == Float32 || d == Float64 || d < numDTypes && d.format() != nil
}

// IsInt reports whether d is an integer type of any width; bool is none.
func (d DType) IsInt() bool {
	switch d {
	case Int2, Int4, Int8, Int16, Int32, Int64:
		return true
	}
	return d.IsUnsigned()
}

// IsUnsigned reports whether d is an unsigned integer type.
func (d DType) IsUnsigned() bool {
	switch d {
	case Uint2, Uint4, Uint8, Uint16, Uint32, Uint64:
		return true
	}
	return false
}

// IsComplex reports whether d is complex64 or complex128.
func (d DType) IsComplex() bool { return d == Complex64 || d == Complex128 }

// Bits is the width of one element as ONNX stores it; 0 for strings.
func (d DType) Bits() int {
	switch d {
	case Uint2, Int2:
		return 2
	case Uint4, Int4, Float4E2M1:
		return 4
	case Uint8, Int8, Bool, Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0:
		return 8
	case Uint16, Int16, Float16, BFloat16:
		return 16
	case Uint32, Int32, Float32:
		return 32
	case Uint64, Int64, Float64, Complex64:
		return 64
	case Complex128:
		return 128
	}
	return 0
}

// IntRange returns the smallest and the largest value of an integer type; for
// Uint64 the largest is -1, its bit pattern as int64.
func (d DType) IntRange() (lo, hi int64) {
	b := d.Bits()
	if d.IsUnsigned() {
		if b == 64 {
			return 0, -1
		}
		return 0, 1<<b - 1
	}
	return -1 << (b - 1), 1<<(b-1) - 1
}
