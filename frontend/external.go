package frontend

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/sbtc-go/sbtc/frontend/internal/onnxpb"
)

// folder is where external data may lie: the model's own folder and what is below it; "" if there is none.
type folder string

// external reads the data of a tensor from its own file. The file is opened below the folder (os.Root), so neither ".."
// nor an absolute path nor a symbolic link leads elsewhere, and its size is compared before anything is allocated.
func (f folder) external(p *onnxpb.TensorProto, want int) ([]byte, error) {
	if f == "" {
		return nil, errors.New("its data is in an external file, but the model was not read from a folder")
	}
	if p.GetDataType() == int32(onnxpb.TensorProto_STRING) {
		return nil, errors.New("strings cannot be external data")
	}
	location, offset, length, err := externalEntries(p)
	if err != nil {
		return nil, err
	}
	if !filepath.IsLocal(filepath.FromSlash(location)) {
		return nil, fmt.Errorf("external file %q is outside the model's folder", location)
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// The kind is looked at first: opening a pipe would wait for a writer.
	info, err := root.Stat(filepath.FromSlash(location))
	if err != nil {
		return nil, fmt.Errorf("external file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("external file %q is not a regular file", location)
	}
	if offset < 0 || offset > info.Size() {
		return nil, fmt.Errorf("external file %q has %d bytes, the data begins at %d", location, info.Size(), offset)
	}
	if length < 0 {
		length = info.Size() - offset
	}
	if length != int64(want) {
		return nil, fmt.Errorf("%d bytes of external data, %d needed", length, want)
	}
	if length > info.Size()-offset {
		return nil, fmt.Errorf("external file %q has %d bytes, the data would end at %d", location, info.Size(), offset+length)
	}
	file, err := root.Open(filepath.FromSlash(location))
	if err != nil {
		return nil, fmt.Errorf("external file: %w", err)
	}
	defer file.Close()
	buf := make([]byte, want)
	if _, err := io.ReadFull(io.NewSectionReader(file, offset, length), buf); err != nil {
		return nil, fmt.Errorf("external file %q: %w", location, err)
	}
	return buf, nil
}

// externalEntries reads the key-value pairs; a length of -1 means up to the end of the file.
func externalEntries(p *onnxpb.TensorProto) (location string, offset, length int64, err error) {
	length = -1
	for _, e := range p.ExternalData {
		number := &length
		switch e.GetKey() {
		case "location":
			location = e.GetValue()
			continue
		case "offset":
			number = &offset
		case "length":
		default:
			continue
		}
		*number, err = strconv.ParseInt(e.GetValue(), 10, 64)
		if err != nil || *number < 0 {
			return "", 0, 0, fmt.Errorf("external data: %s %q is not a size", e.GetKey(), e.GetValue())
		}
	}
	if location == "" {
		return "", 0, 0, errors.New("external data without a location")
	}
	return location, offset, length, nil
}
