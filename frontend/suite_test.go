package frontend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sbtc-go/sbtc/frontend"
	"github.com/sbtc-go/sbtc/internal/suite"
	"github.com/sbtc-go/sbtc/ir"
)

// Every model of the suite is read, or rejected because of what it uses; what is read can be written and read again.
func TestSuite(t *testing.T) {
	loaded := 0
	models := suite.Models(t)
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
