package ir

import "fmt"

// Rand is the operator sbtc.Rand: a reproducible constant for tests, which the text form writes by its seed.
type Rand struct {
	DType   DType   `onnx:"dtype,1"`
	Shape   []int   `onnx:"shape"`
	Seed    int     `onnx:"seed,0"`
	Density float64 `onnx:"density,1"` // share of elements that are not zero
	Alpha   float64 `onnx:"alpha,0"`   // if not 0, the other elements are -alpha or +alpha
}

// maxRand bounds the elements of a constant.
const maxRand = 1 << 32

// Name is the operator's name in the text form.
func (*Rand) Name() string { return "sbtc.Rand" }

// Infer returns the type of the constant.
func (r *Rand) Infer([]*Value) ([]Type, error) {
	if r.DType == String || r.DType.IsComplex() || !r.DType.Valid() {
		return nil, fmt.Errorf("no random %v", r.DType)
	}
	if !SizeAtMost(r.Shape, maxRand) {
		return nil, fmt.Errorf("shape %v is negative or too large", r.Shape)
	}
	return []Type{{DType: r.DType, Shape: r.Shape}}, nil
}

// Eval returns the constant: floats uniform in [-1,1), integers in [-8,8) (unsigned [0,16)), booleans even.
func (r *Rand) Eval([]*Tensor) ([]*Tensor, error) {
	t := NewTensor(r.DType, r.Shape...)
	s := splitmix(r.Seed)
	for i := range t.Len() {
		u, keep := s.next(), s.next()
		x := float64(int64(u)>>11) * 0x1p-52
		switch {
		case float64(keep>>11)*0x1p-53 >= r.Density:
			x = 0
		case r.Alpha != 0 && x < 0:
			x = -r.Alpha
		case r.Alpha != 0:
			x = r.Alpha
		case r.DType == Bool:
			x = float64(u & 1)
		case r.DType.IsUnsigned():
			x = float64(u & 15)
		case r.DType.IsInt():
			x = float64(int(u&15) - 8)
		}
		t.SetFloat(i, x)
	}
	t.gen = OpText(r)
	return []*Tensor{t}, nil
}

// splitmix is Steele, Lea and Flood's SplitMix64, fixed here so that seeds mean the same for ever.
type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// RandTensor returns the tensor of the given type that sbtc.Rand makes from seed.
func RandTensor(t Type, seed int) *Tensor {
	out, err := (&Rand{DType: t.DType, Shape: t.Shape, Seed: seed, Density: 1}).Eval(nil)
	if err != nil {
		panic(err)
	}
	return out[0]
}
