package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/bench/timer"
	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// Kinds of models that ONNX Runtime runs.
const (
	fp32 = "fp32"
	int8 = "int8"
)

// Forms of a model. ONNX Runtime optimizes them in different ways, and the better one counts.
const (
	exported  = "as exported"
	openBatch = "open batch"
	fixed     = "fixed shapes"
)

// numbers are the element types that ONNX Runtime takes here.
var numbers = []ir.DType{ir.Float32, ir.Float64, ir.Float16, ir.BFloat16, ir.Bool,
	ir.Int8, ir.Int16, ir.Int32, ir.Int64, ir.Uint8, ir.Uint16, ir.Uint32, ir.Uint64}

// openORT starts a process of ONNX Runtime for each form of the model, in float32 and with dynamic int8.
func (w *run) openORT() error {
	if w.Library == "" {
		return nil
	}
	for _, v := range slices.Concat(w.sample.Compiled.In, w.sample.Compiled.Out) {
		if !v.Type.Static() || !slices.Contains(numbers, v.Type.DType) {
			return fmt.Errorf("ONNX Runtime is compared on tensors of numbers with fixed shapes; %q is %v; leave out --ort", v.Name, v.Type)
		}
	}
	program, err := w.dir.buildORT()
	if err != nil {
		return err
	}
	probe, err := w.open("--ort", program, timer.Job{Library: w.Library})
	if err != nil {
		return err
	}
	probe.worker.close()
	w.ORT = &ORT{Version: probe.about.Version}
	file := w.sample.File
	if w.ORTModel != "" {
		if c, ok := check.CaseAt(w.ORTModel); ok {
			w.ORTModel = c.Model()
		}
		file = w.ORTModel
		w.ORT.Model = file
	}
	peer, err := frontend.ReadPeer(file)
	if err != nil {
		return err
	}
	job, err := w.ortJob(peer)
	if err != nil {
		return err
	}
	forms := w.forms(peer, job)
	for _, kind := range []string{fp32, int8} {
		if err := w.openForms(program, kind, file, job, forms); err != nil {
			if kind == fp32 {
				return fmt.Errorf("ONNX Runtime does not run %s: %w", file, err)
			}
			w.ORT.Note = "no int8: " + err.Error()
		}
	}
	return nil
}

// ortJob is the job with the names of the model that ONNX Runtime runs; another model's are taken in their order where
// they differ.
func (w *run) ortJob(peer *frontend.Peer) (timer.Job, error) {
	job, err := w.job("")
	if err != nil {
		return job, err
	}
	in, out := peer.Ports()
	if err := rename("inputs", job.In, in); err != nil {
		return job, err
	}
	return job, rename("outputs", job.Out, out)
}

func rename(kind string, tensors []timer.Tensor, names []string) error {
	if len(tensors) != len(names) {
		return fmt.Errorf("the model for ONNX Runtime has %d %s, not %d", len(names), kind, len(tensors))
	}
	for _, t := range tensors {
		if !slices.Contains(names, t.Name) {
			for i := range tensors {
				tensors[i].Name = names[i]
			}
			break
		}
	}
	return nil
}

type form struct {
	name string
	peer *frontend.Peer
}

// forms are the model as it is and, if its batch is fixed, with an open one, else with the shapes that are run.
func (w *run) forms(peer *frontend.Peer, job timer.Job) []form {
	list := []form{{exported, peer}}
	other := peer.Clone()
	if peer.Static() {
		if other.OpenBatch() {
			list = append(list, form{openBatch, other})
		}
		return list
	}
	shapes := map[string][]int{}
	for _, t := range job.In {
		shapes[t.Name] = t.Shape
	}
	other.Fix(shapes)
	return append(list, form{fixed, other})
}

// openForms starts a process for each form that ONNX Runtime can run; the error is that of the first if there is none.
func (w *run) openForms(program, kind, file string, job timer.Job, forms []form) error {
	var failed error
	opened := false
	for i, f := range forms {
		job.Model = file
		if kind == int8 || i > 0 {
			peer := f.peer.Clone()
			if kind == int8 {
				n, err := peer.Quantize()
				if err != nil {
					return err
				}
				if n == 0 {
					return errors.New("the model has no product with a constant matrix")
				}
				w.ORT.Quantized = n
			}
			data, err := peer.Marshal()
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%s_%d.onnx", kind, i)
			if err := w.dir.write(name, data); err != nil {
				return err
			}
			job.Model = string(w.dir) + "/" + name
		}
		c, err := w.open(f.name, program, job)
		if err == nil {
			c.name, c.kind = f.name, kind
			if err = w.compareORT(c, kind); err != nil {
				c.worker.close()
			}
		}
		if err != nil {
			var differs *DiffersError
			if errors.As(err, &differs) && i == 0 {
				return err
			}
			failed = errors.Join(failed, err)
			continue
		}
		opened = true
		w.contestants = append(w.contestants, c)
	}
	if opened {
		return nil
	}
	return failed
}

// A DiffersError is a result of the compiled package that is not that of ONNX Runtime.
type DiffersError struct{ error }

// compareORT compares outputs with those of the compiled package. Those in float32 have to be near.
func (w *run) compareORT(c *contestant, kind string) error {
	got, err := w.outputs(c)
	if err != nil {
		return err
	}
	for i, v := range w.sample.Compiled.Out {
		c.err = max(c.err, relativeError(w.want[i], got[i]))
		c.agrees = ir.Agree(w.want[i], got[i], ir.Compiled) == nil && (i == 0 || c.agrees)
		if kind != fp32 {
			continue
		}
		if err := check.Recorded.Compare(w.want[i], got[i]); err != nil {
			return &DiffersError{fmt.Errorf("output %q of the compiled package is not that of ONNX Runtime: %w", v.Name, err)}
		}
	}
	return nil
}

// best is the contestant of a kind with the smallest median; nil if there is none.
func best(all []*contestant, kind string) *contestant {
	var b *contestant
	for _, c := range all {
		if c.kind == kind && (b == nil || stat(turnsOf(c.times)).Median < stat(turnsOf(b.times)).Median) {
			b = c
		}
	}
	return b
}

// formNames lists the forms that were tried.
func formNames(all []*contestant, kind string) string {
	var names []string
	for _, c := range all {
		if c.kind == kind {
			names = append(names, c.name)
		}
	}
	return strings.Join(names, ", ")
}
