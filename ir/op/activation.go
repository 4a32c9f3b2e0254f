package op

import (
	"fmt"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Activation functions with attributes. Each is a Map of one input; alpha, beta and gamma are float32 as the model
// stores them.
var activation = []Def{
	{Name: "LeakyRelu", Since: 16, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &LeakyRelu{}},
	{Name: "Elu", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Elu{}},
	{Name: "Celu", Since: 12, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Celu{}},
	{Name: "Selu", Since: 22, From: 6, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Selu{}},
	{Name: "Selu", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: selu1},
	{Name: "ThresholdedRelu", Since: 22, From: 10, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &ThresholdedRelu{}},
	{Name: "HardSigmoid", Since: 22, From: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &HardSigmoid{}},
	{Name: "Swish", Since: 24, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Swish{}},
	{Name: "Gelu", Since: 20, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Proto: &Gelu{}},
	{Name: "com.microsoft.Gelu", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: biasGelu("none")},
	{Name: "com.microsoft.BiasGelu", Since: 1, In: Arity{2, 2}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: biasGelu("none")},
	{Name: "com.microsoft.FastGelu", Since: 1, In: Arity{1, 2}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: biasGelu("tanh")},
	{Name: "com.microsoft.QuickGelu", Since: 1, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Floats}, Upgrade: quickGelu},
	{Name: "Shrink", Since: 9, In: Arity{1, 1}, Out: Arity{1, 1}, Types: []Types{Numbers}, Proto: &Shrink{}},
}

// lit is a number as low expressions write it.
func lit(x float32) string { return low.Lit(float64(x)).String() }

func mapped(b *ir.Builder, n *ir.Node, format string, args ...any) ([]*ir.Value, error) {
	return []*ir.Value{low.Elementwise(b, fmt.Sprintf(format, args...), n.In...)}, nil
}

// LeakyRelu is https://onnx.ai/onnx/operators/onnx__LeakyRelu.html, version 16.
type LeakyRelu struct {
	Alpha float32 `onnx:"alpha,0.01"`
}

// Name is the operator's ONNX name.
func (*LeakyRelu) Name() string { return "LeakyRelu" }

// Infer returns the type of the input.
func (*LeakyRelu) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval scales negative elements.
func (o *LeakyRelu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalFloats(in[0], func(x float64) float64 {
		if x < 0 {
			return float64(o.Alpha) * x
		}
		return x
	}), nil
}

// Lower makes a Map.
func (o *LeakyRelu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "leakyrelu(x0,%s)", lit(o.Alpha))
}

// Elu is https://onnx.ai/onnx/operators/onnx__Elu.html, version 22.
type Elu struct {
	Alpha float32 `onnx:"alpha,1"`
}

// Name is the operator's ONNX name.
func (*Elu) Name() string { return "Elu" }

// Infer returns the type of the input.
func (*Elu) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval bends negative elements.
func (o *Elu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalFloats(in[0], func(x float64) float64 {
		if x < 0 {
			return float64(o.Alpha) * low.Expm164(x)
		}
		return x
	}), nil
}

// Lower makes a Map.
func (o *Elu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "where(lt(x0,0),mul(%s,expm1(x0)),x0)", lit(o.Alpha))
}

// Celu is https://onnx.ai/onnx/operators/onnx__Celu.html, version 12.
type Celu struct {
	Alpha float32 `onnx:"alpha,1"`
}

// Name is the operator's ONNX name.
func (*Celu) Name() string { return "Celu" }

// Infer returns the type of the input.
func (o *Celu) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Alpha == 0 {
		return nil, fmt.Errorf("attribute alpha is 0, elements would be divided by it")
	}
	return alike(in, 1)
}

// Eval is max(0, x) + min(0, alpha (exp(x/alpha) - 1)).
func (o *Celu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	a := float64(o.Alpha)
	return evalFloats(in[0], func(x float64) float64 {
		y := a * low.Expm164(x/a)
		if y > 0 {
			y = 0
		}
		return relu64(x) + y
	}), nil
}

// Lower makes a Map.
func (o *Celu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "add(relu(x0),clampmin(0,mul(%[1]s,expm1(div(x0,%[1]s)))))", lit(o.Alpha))
}

// Selu is https://onnx.ai/onnx/operators/onnx__Selu.html, version 22.
type Selu struct {
	Alpha float32 `onnx:"alpha,1.6732631921768188"`
	Gamma float32 `onnx:"gamma,1.0507010221481323"`
}

// selu1 has the default coefficients of version 1, which are less precise.
func selu1(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	n.Attrs["alpha"] = Take(n, "alpha", float32(1.6732))
	n.Attrs["gamma"] = Take(n, "gamma", float32(1.0507))
	return nil, nil
}

// Name is the operator's ONNX name.
func (*Selu) Name() string { return "Selu" }

// Infer returns the type of the input.
func (*Selu) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval scales positive elements by gamma and bends the others.
func (o *Selu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalFloats(in[0], func(x float64) float64 {
		if x > 0 {
			return float64(o.Gamma) * x
		}
		return float64(o.Gamma) * (float64(o.Alpha) * low.Expm164(x))
	}), nil
}

// Lower makes a Map.
func (o *Selu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "mul(%s,where(gt(x0,0),x0,mul(%s,expm1(x0))))", lit(o.Gamma), lit(o.Alpha))
}

// ThresholdedRelu is https://onnx.ai/onnx/operators/onnx__ThresholdedRelu.html, version 22.
type ThresholdedRelu struct {
	Alpha float32 `onnx:"alpha,1"`
}

// Name is the operator's ONNX name.
func (*ThresholdedRelu) Name() string { return "ThresholdedRelu" }

// Infer returns the type of the input.
func (*ThresholdedRelu) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval keeps elements above alpha.
func (o *ThresholdedRelu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalFloats(in[0], func(x float64) float64 {
		if x > float64(o.Alpha) {
			return x
		}
		return 0
	}), nil
}

// Lower makes a Map.
func (o *ThresholdedRelu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "where(gt(x0,%s),x0,0)", lit(o.Alpha))
}

// HardSigmoid is https://onnx.ai/onnx/operators/onnx__HardSigmoid.html, version 22.
type HardSigmoid struct {
	Alpha float32 `onnx:"alpha,0.2"`
	Beta  float32 `onnx:"beta,0.5"`
}

// Name is the operator's ONNX name.
func (*HardSigmoid) Name() string { return "HardSigmoid" }

// Infer returns the type of the input.
func (*HardSigmoid) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval is alpha x + beta between 0 and 1.
func (o *HardSigmoid) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalFloats(in[0], func(x float64) float64 {
		return clamp64(float64(float64(o.Alpha)*x)+float64(o.Beta), 0, 1)
	}), nil
}

// Lower makes a Map.
func (o *HardSigmoid) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	return mapped(b, n, "hardsigmoid(x0,%s,%s)", lit(o.Alpha), lit(o.Beta))
}

// Swish is https://onnx.ai/onnx/operators/onnx__Swish.html, version 24.
type Swish struct {
	Alpha float32 `onnx:"alpha,1"`
}

// Name is the operator's ONNX name.
func (*Swish) Name() string { return "Swish" }

// Infer returns the type of the input.
func (*Swish) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval is x sigmoid(alpha x).
func (o *Swish) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	return evalFloats(in[0], func(x float64) float64 { return x * low.Sigmoid64(float64(o.Alpha)*x) }), nil
}

// Lower makes a Map.
func (o *Swish) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if o.Alpha == 1 {
		return mapped(b, n, "silu(x0)")
	}
	return mapped(b, n, "quickgelu(x0,%s)", lit(o.Alpha))
}

// Gelu is https://onnx.ai/onnx/operators/onnx__Gelu.html, version 20.
type Gelu struct {
	Approximate string `onnx:"approximate,none"`
}

// Name is the operator's ONNX name.
func (*Gelu) Name() string { return "Gelu" }

// Infer returns the type of the input.
func (o *Gelu) Infer(in []*ir.Value) ([]ir.Type, error) {
	if o.Approximate != "none" && o.Approximate != "tanh" {
		return nil, fmt.Errorf("attribute approximate is %q, want \"none\" or \"tanh\"", o.Approximate)
	}
	return alike(in, 1)
}

// Eval is x Phi(x), or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))).
func (o *Gelu) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	const sqrt2OverPi = 0.79788456080286535588
	if o.Approximate == "tanh" {
		return evalFloats(in[0], func(x float64) float64 {
			u := sqrt2OverPi * (x + float64(0.044715*float64(x*x)*x))
			return x * low.Sigmoid64(2*u)
		}), nil
	}
	return evalFloats(in[0], low.Gelu64), nil
}

// Lower makes a Map.
func (o *Gelu) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	if o.Approximate == "tanh" {
		return mapped(b, n, "gelutanh(x0)")
	}
	return mapped(b, n, "gelu(x0)")
}

// biasGelu upgrades ONNX Runtime's forms of Gelu, with a bias added before
// (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md).
func biasGelu(approximate string) func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	return func(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
		x := n.In[0]
		if has(n.In, 1) {
			add, err := New("Add", n.In)
			if err != nil {
				return nil, err
			}
			x = b.Add(add, n.In...)
		}
		return one(b.Add(&Gelu{Approximate: approximate}, x))
	}
}

// quickGelu is Swish with another default.
func quickGelu(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	return one(b.Add(&Swish{Alpha: Take(n, "alpha", float32(1.702))}, n.In...))
}

// Shrink is https://onnx.ai/onnx/operators/onnx__Shrink.html, version 9.
type Shrink struct {
	Bias  float32 `onnx:"bias,0"`
	Lambd float32 `onnx:"lambd,0.5"`
}

// Name is the operator's ONNX name.
func (*Shrink) Name() string { return "Shrink" }

// Infer returns the type of the input.
func (*Shrink) Infer(in []*ir.Value) ([]ir.Type, error) { return alike(in, 1) }

// Eval moves elements beyond lambd by bias and makes the others 0; integers are computed as floats and truncated.
func (o *Shrink) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	bias, lambd := float64(o.Bias), float64(o.Lambd)
	return evalFloats(in[0], func(x float64) float64 {
		switch {
		case x < -lambd:
			return x + bias
		case x > lambd:
			return x - bias
		}
		return 0
	}), nil
}

// Lower makes a Map, on float64 for integers.
func (o *Shrink) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	expr := fmt.Sprintf("where(lt(x0,%[3]s),add(x0,%[2]s),where(gt(x0,%[1]s),sub(x0,%[2]s),0))", lit(o.Lambd), lit(o.Bias), lit(-o.Lambd))
	d := n.In[0].Type.DType
	if !d.IsInt() {
		return mapped(b, n, "%s", expr)
	}
	x := castTo(b, n.In[0], ir.Float64)
	return []*ir.Value{castTo(b, low.Elementwise(b, expr, x), d)}, nil
}
