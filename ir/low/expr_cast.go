package low

import "github.com/sbtc-go/sbtc/ir"

// castStep converts to o.typ. A float is rounded once, to nearest even; to an integer it is truncated and saturated,
// NaN giving 0. An integer keeps its low bits in a narrower type and becomes a 16-bit float by way of float64. To
// bool, 0 is false and all else, NaN too, true. A cast to a 16-bit float rounds even a value of that type, which an
// expression otherwise holds in float32.
func castStep(o op, n int) step {
	a, from, to := o.arg[0], o.of, o.typ
	return func(v []block, m int) {
		y, x := v[n], v[a]
		switch c := classOf(to); {
		case c == boolClass:
			toBool(y.b[:m], x)
		case c == f64Class:
			toFloat64(y.f64[:m], x, from)
		case to == ir.Float32:
			toFloat32(y.f32[:m], x, from)
		case c == f32Class:
			wide, table := make([]float64, m), half[to]()
			toFloat64(wide, x, from)
			for i, w := range wide {
				y.f32[i] = table[ir.EncodeFloat(to, w, false)]
			}
		default:
			toInt(y.i[:m], x, to)
		}
	}
}

func toBool(y []bool, x block) {
	for i := range y {
		switch {
		case x.f32 != nil:
			y[i] = x.f32[i] != 0
		case x.f64 != nil:
			y[i] = x.f64[i] != 0
		case x.b != nil:
			y[i] = x.b[i]
		default:
			y[i] = x.i[i] != 0
		}
	}
}

func toFloat64(y []float64, x block, from ir.DType) {
	for i := range y {
		switch {
		case x.f32 != nil:
			y[i] = float64(x.f32[i])
		case x.f64 != nil:
			y[i] = x.f64[i]
		case x.b != nil:
			y[i] = float64(bit(x.b[i]))
		case from == ir.Uint64:
			y[i] = float64(uint64(x.i[i]))
		default:
			y[i] = float64(x.i[i])
		}
	}
}

func toFloat32(y []float32, x block, from ir.DType) {
	for i := range y {
		switch {
		case x.f32 != nil:
			y[i] = x.f32[i]
		case x.f64 != nil:
			y[i] = float32(x.f64[i])
		case x.b != nil:
			y[i] = float32(bit(x.b[i]))
		case from == ir.Uint64:
			y[i] = float32(uint64(x.i[i]))
		default:
			y[i] = float32(x.i[i])
		}
	}
}

func toInt(y []int64, x block, to ir.DType) {
	for i := range y {
		switch {
		case x.f32 != nil:
			y[i] = ir.SaturateInt(float64(x.f32[i]), to)
		case x.f64 != nil:
			y[i] = ir.SaturateInt(x.f64[i], to)
		case x.b != nil:
			y[i] = bit(x.b[i])
		default:
			y[i] = wrap(to, x.i[i])
		}
	}
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
