package main

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/report"
)

// reportFlag is the file that describes what a command made.
type reportFlag struct {
	path     string
	warnings []string
	temp     string
}

// begin checks the flag and keeps the warnings that opt gives from now on.
func (r *reportFlag) begin(opt *check.Options) error {
	if r.path == "" {
		return nil
	}
	if err := report.CheckPath(r.path); err != nil {
		return usage("--report %v", err)
	}
	warn := opt.Warn
	opt.Warn = func(text string) {
		r.warnings = append(r.warnings, text)
		warn(text)
	}
	return nil
}

// write writes the report beside its place, which rename gives it.
func (r *reportFlag) write(path string, c *check.Compiled, opt check.Options) error {
	if r.path == "" {
		return nil
	}
	made, err := report.New(path, c, opt)
	if err != nil {
		return err
	}
	made.Warnings = append(made.Warnings, r.warnings...)
	var b bytes.Buffer
	if err := made.Write(&b, r.path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(r.path), "."+filepath.Base(r.path)+".*")
	if err != nil {
		return err
	}
	r.temp = f.Name()
	_, err = f.Write(b.Bytes())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(r.temp, 0o644) // temporary files are for their owner only
	}
	return err
}

// rename is the last step; remove does nothing after it.
func (r *reportFlag) rename() error {
	if r.temp == "" {
		return nil
	}
	return os.Rename(r.temp, r.path)
}

func (r *reportFlag) remove() {
	if r.temp != "" {
		os.Remove(r.temp)
	}
}
