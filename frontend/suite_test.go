package frontend_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/ir"
)

// suite returns the models of the ONNX backend tests.
func suite(t *testing.T) []string {
	dir := os.Getenv("SBTC_ONNX_SUITE")
	if dir == "" {
		dir = "../../shared/onnx-node"
	}
	models, err := filepath.Glob(filepath.Join(dir, "*", "model.onnx"))
	if err != nil || len(models) == 0 {
		t.Skipf("no ONNX backend tests in %s; SBTC_ONNX_SUITE says where they are", dir)
	}
	return models
}

// Every model of the suite is read, or rejected because of what it uses; what is read can be written and read again.
func TestSuite(t *testing.T) {
	loaded := 0
	models := suite(t)
	for _, path := range models {
		g, err := frontend.Load(path)
		if err == nil {
			loaded++
			if err := g.Check(); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			again, err := roundTrip(g)
			if err != nil {
				t.Errorf("%s: written and read: %v", path, err)
			} else if again.String() != g.String() {
				t.Errorf("%s: written and read\n%v\nwant\n%v", path, again, g)
			}
			continue
		}
		var bug *ir.BugError
		var list frontend.Errors
		if !errors.As(err, &list) {
			list = frontend.Errors{err.(*frontend.Error)}
		}
		for _, e := range list {
			if !strings.Contains(e.Error(), "not supported") || errors.As(e, &bug) {
				t.Error(e)
			}
		}
	}
	t.Logf("%d of %d models loaded", loaded, len(models))
}
