package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/check"
	"github.com/sbtc-go/sbtc/internal/npz"
	"github.com/sbtc-go/sbtc/ir"
)

// readArrays reads what flags give: FILE.npz, or NAME=FILE.npy for a single array.
func readArrays(flag string, values []string) (map[string]*ir.Tensor, error) {
	arrays := map[string]*ir.Tensor{}
	for _, text := range values {
		more := map[string]*ir.Tensor{}
		name, file, named := strings.Cut(text, "=")
		var err error
		switch {
		case filepath.Ext(text) == ".npz":
			more, err = npz.Read(text)
		case named && name != "" && filepath.Ext(file) == ".npy":
			more[name], err = npz.ReadNpy(file)
		default:
			return nil, usage("%s %s: want FILE.npz or NAME=FILE.npy", flag, text)
		}
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(more)) {
			if arrays[name] != nil {
				return nil, fmt.Errorf("%s gives %q twice", flag, name)
			}
			arrays[name] = more[name]
		}
	}
	return arrays, nil
}

// bindDims lets given inputs fix the open dimensions of the model, where no flag does.
func bindDims(opt *check.Options, arrays map[string]*ir.Tensor) {
	if opt.Dims == nil {
		opt.Dims = check.DimsOf(arrays)
	}
}
