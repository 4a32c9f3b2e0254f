package check

import (
	"path/filepath"
	"testing"

	"github.com/sbtc-go/sbtc/ir"
)

// A forecaster's samples are run one by one: the result of each is what the imported model gives it among the others.
func TestEach(t *testing.T) {
	path := filepath.Join("..", "testdata", "models", "forecast_dynbatch", "model.onnx")
	opt := Options{Dims: []string{"batch=4"}}
	c, err := Compile(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	if c.Each != 4 || c.Samples != 4 || c.Fixed != nil || c.In[0].Type.Shape[0] != 4 || c.Graph.In[0].Type.Shape[0] != 1 {
		t.Fatalf("%d one by one, 1 to %d samples (%v), input %v, graph %v", c.Each, c.Samples, c.Fixed, c.In[0].Type, c.Graph.In[0].Type)
	}
	m, err := Load(path, Imported, opt)
	if err != nil {
		t.Fatal(err)
	}
	in, err := randomInputs(c.In, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Eval(in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Graph.Eval(in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if err := ir.Agree(got[i], want[i], ir.Compiled); err != nil {
			t.Error(err)
		}
	}
}
