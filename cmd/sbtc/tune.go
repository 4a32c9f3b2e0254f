package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/codegen"
	"github.com/sbtc-go/sbtc/tune"
)

// tuneHelp says what --tune does.
const tuneHelp = `With --tune the layers are timed on this machine, each with every strategy that comes into question, and tune.json beside
the package keeps the fastest of each. It is to be checked in: later runs read it and measure nothing, so that they give the
same files everywhere. Layers whose shape or weights are others than those that were measured are told, and computed as the
cost model says; to go back to that for all, remove the file. Other commands take the file by --tuned.`

// tuning measures if that is asked for, and lets opt take what was measured, now or earlier. It returns the file that
// belongs to the package, if there is one.
func (f *compileFlags) tuning(cmd *cobra.Command, path, dir string, opt *check.Options) ([]codegen.File, error) {
	name := filepath.Join(dir, tune.Name)
	switch {
	case f.tune && f.check:
		return nil, usage("--check writes nothing, so it goes without --tune")
	case f.tune && f.tuned != "":
		return nil, usage("--tune measures what --tuned %s says already; leave out one of them", f.tuned)
	case f.tune && opt.Mode == codegen.Size:
		return nil, usage("--tune measures layers as code, of which --mode size has none")
	case f.tuned != "":
		useTuned(opt, f.measured, f.tuned) // once more: warnings may go elsewhere now
		return nil, nil
	}
	var file *tune.File
	var text []byte
	var err error
	if f.tune {
		// What is in the way is said before hours of measuring, not after.
		if _, err := check.NewOutput(dir, []codegen.File{{Name: tune.Name}}); err != nil {
			return nil, err
		}
		if file, err = tune.Measure(path, *opt, progress(cmd)); err != nil {
			return nil, err
		}
		text = file.Marshal()
		if err := file.WriteTable(cmd.OutOrStdout()); err != nil {
			return nil, err
		}
	} else {
		text, err = os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Contains(text, []byte(codegen.Marker)) {
			return nil, nil
		}
		if err == nil {
			file, err = tune.Read(name)
		}
		if err != nil {
			return nil, err
		}
	}
	kept := []codegen.File{{Name: tune.Name, Data: text}}
	if opt.Mode == codegen.Size {
		opt.Warn(fmt.Sprintf("%s is for mode speed; mode size has no layers as code", name))
		return kept, nil
	}
	if opt.Flags != "" {
		opt.Flags += " "
	}
	opt.Flags += "--tuned " + tune.Name
	useTuned(opt, file, name)
	return kept, nil
}
