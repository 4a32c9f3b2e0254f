// Package npz reads and writes NumPy's .npy and .npz files as tensors
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
package npz

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/ir"
)

// Read returns the arrays of an .npz file by name. NumPy's element types are those of ONNX with the same name; what
// NumPy has no type for is read from the integers or floats that hold it (see Convert).
func Read(path string) (map[string]*ir.Tensor, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	out := map[string]*ir.Tensor{}
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		t, err := readMember(f)
		if err != nil {
			return nil, fmt.Errorf("%s: array %q: %w", path, name, err)
		}
		if out[name] != nil {
			return nil, fmt.Errorf("%s: array %q is there twice", path, name)
		}
		out[name] = t
	}
	return out, nil
}

func readMember(f *zip.File) (*ir.Tensor, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return read(r, f.UncompressedSize64)
}

// ReadNpy returns the array of an .npy file.
func ReadNpy(path string) (*ir.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t, err := read(bufio.NewReader(f), uint64(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// read reads an array that is size bytes long with its header.
func read(r io.Reader, size uint64) (*ir.Tensor, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	n, err := h.elements(size)
	if err != nil {
		return nil, err
	}
	// The size may be a lie of the file: memory grows with what is really there.
	data, err := io.ReadAll(io.LimitReader(r, int64(n*h.size)))
	if err != nil {
		return nil, err
	}
	if len(data) < n*h.size {
		return nil, errors.New("the file is shorter than its header says")
	}
	t := h.tensor(data)
	if h.fortran && len(h.shape) > 1 {
		slices.Reverse(t.Shape)
		t = transpose(t)
	}
	return t, nil
}

// transpose reverses the axes.
func transpose(t *ir.Tensor) *ir.Tensor {
	shape := slices.Clone(t.Shape)
	slices.Reverse(shape)
	from := ir.Strides(t.Shape)
	slices.Reverse(from)
	return t.Gather(shape, func(i int) int {
		at := 0
		for d, n := range slices.Backward(shape) {
			at += i % n * from[d]
			i /= n
		}
		return at
	})
}

// Write writes an .npz file, sorted by name. Elements that NumPy has no type for are written as the integers that
// hold their bits.
func Write(path string, arrays map[string]*ir.Tensor) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		if err == nil {
			err = write(w, arrays[name])
		}
		if err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o666)
}
