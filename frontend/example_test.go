package frontend_test

import (
	"fmt"
	"log"
	"math"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// Read a model and the data it was recorded with, and interpret it.
func ExampleLoad() {
	const dir = "../testdata/models/anomaly_sbt"
	g, err := frontend.Load(dir + "/model.onnx")
	if err != nil {
		log.Fatal(err)
	}
	sets, err := frontend.ReadCase(dir)
	if err != nil {
		log.Fatal(err)
	}
	for _, in := range g.In {
		fmt.Println("input", in.Name, in.Type)
	}
	for _, set := range sets {
		got, err := g.Eval([]*ir.Tensor{set.Inputs[0].Tensor})
		if err != nil {
			log.Fatal(err)
		}
		worst := 0.0
		recorded := set.Outputs[0].Tensor.Floats()
		for i, x := range got[0].Floats() {
			worst = max(worst, math.Abs(x-recorded[i]))
		}
		fmt.Println(set.Name, got[0].Type(), worst < 1e-4)
	}
	// Output:
	// input window float[1,50,55]
	// test_data_set_0 float[1,55] true
	// test_data_set_1 float[1,55] true
}
