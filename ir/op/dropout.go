package op

import (
	"errors"
	"slices"

	"github.com/sbtc-go/sbtc/ir"
	"github.com/sbtc-go/sbtc/ir/low"
)

// Dropout is https://onnx.ai/onnx/operators/onnx__Dropout.html, version 22, in inference: it passes its input on. In
// training mode with a ratio that is not 0 its result is random, which is an error.
type Dropout struct {
	Seed *int `onnx:"seed"`
}

var errDropout = errors.New("random results are not supported: training_mode must be false or ratio 0; export the model in inference mode")

// Name is the operator's ONNX name.
func (*Dropout) Name() string { return "Dropout" }

// Infer returns the input's type and a boolean mask of its shape.
func (o *Dropout) Infer(in []*ir.Value) ([]ir.Type, error) {
	t, err := alike(in, 2)
	t[1].DType = ir.Bool
	args := make([]*ir.Tensor, 3)
	for i, v := range in[1:] {
		if v == nil {
			continue
		}
		if v.Type.Static() && v.Type.Len() != 1 {
			return nil, errors.New("ratio and training_mode are scalars, " + v.Name + " is " + v.Type.String())
		}
		if args[i+1] = v.Const; v.Const == nil {
			return t, err // checked at run time
		}
	}
	return t, o.check(args)
}

func (*Dropout) check(in []*ir.Tensor) error {
	if len(in) > 2 && in[2] != nil && in[2].At(0) != 0 && (in[1] == nil || in[1].At(0) != 0) {
		return errDropout
	}
	return nil
}

// Eval returns the input and a mask of ones.
func (o *Dropout) Eval(in []*ir.Tensor) ([]*ir.Tensor, error) {
	mask := ir.NewTensor(ir.Bool, in[0].Shape...)
	for i := range mask.Len() {
		mask.SetInt(i, 1)
	}
	return []*ir.Tensor{in[0], mask}, o.check(in)
}

// Lower copies the input; where the mode is known only at run time, the kernel dropout checks it.
func (o *Dropout) Lower(b *ir.Builder, n *ir.Node) ([]*ir.Value, error) {
	runtime := len(n.In) > 2 && n.In[2] != nil && (n.In[2].Const == nil || n.In[2].Const.At(0) != 0 && n.In[1] != nil && n.In[1].Const == nil)
	x := n.In[0]
	out := []*ir.Value{nil, nil}[:len(n.Out)]
	if len(n.Out) == 2 && n.Out[1] != nil {
		yes := ir.FromInts(ir.Bool, nil, []int64{1})
		out[1] = low.Expand(b, b.Const(yes), x.Type.Shape)
	}
	if n.Out[0] == nil {
		return out, nil
	}
	if !runtime {
		out[0] = low.Copy(b, x, x.Type.Shape...)
		return out, nil
	}
	in := []*ir.Value{x, nil, n.In[2]}
	if n.In[1] != nil {
		in[1] = castTo(b, n.In[1], ir.Float64)
	}
	out[0] = callOn(b, &Dropout{Seed: o.Seed}, "dropout", n.Out[0].Type, in)
	return out, nil
}

// dropout7 drops the ratio, which has no effect in inference, and gives the mask the type of the data before version 10.
func dropout7(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	delete(n.Attrs, "ratio")
	if n.Opset >= 10 || len(n.Out) < 2 {
		return nil, nil
	}
	out := slices.Clone(b.AddN(2, &Dropout{}, n.In...))
	out[1] = b.Add(&Cast{Saturate: true, To: n.In[0].Type.DType, RoundMode: "up"}, out[1])
	return out, nil
}

// dropout1 accepts inference only.
func dropout1(b *ir.Builder, n *Raw) ([]*ir.Value, error) {
	if Take(n, "is_test", int64(0)) == 0 && Take(n, "ratio", float32(0.5)) != 0 {
		return nil, errors.New("random results are not supported: is_test must be 1; export the model in inference mode")
	}
	return nil, nil
}
