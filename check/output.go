package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sbtc-go/sbtc/codegen"
)

// marker is a line at the head of every text file that sbtc writes.
var marker = regexp.MustCompile(`(?m)^// ` + codegen.Marker + `.* DO NOT EDIT\.$`)

// ownJSON is the mark of a JSON file, which has no comments: its first field.
var ownJSON = regexp.MustCompile(`^\{\s*"made": "` + codegen.Marker + `[^"]* DO NOT EDIT\."`)

var packageClause = regexp.MustCompile(`(?m)^package `)

// marked reports whether the text of a file, up to its package clause, has the marker.
func marked(text []byte) bool {
	head := text[:min(len(text), 4096)]
	if at := packageClause.FindIndex(head); at != nil {
		head = head[:at[0]]
	}
	return marker.Match(head)
}

// modelFile is the file of a package that names the others.
const modelFile = "model.go"

// CheckPackageName reports whether name can be that of a package which others import.
func CheckPackageName(name string) error {
	if !token.IsIdentifier(name) || name == "_" || strings.HasSuffix(name, "_test") {
		return fmt.Errorf("%q cannot be the name of a Go package", name)
	}
	return nil
}

// PackageOf returns the package name that Go files in dir have, "" if there are none. Files that sbtc wrote count only
// if own is set.
func PackageOf(dir string, own bool) (string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	name, from := "", ""
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if filepath.Ext(p) != ".go" || e.IsDir() {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return "", fmt.Errorf("finding the package name of %s: %w", dir, err)
		}
		if f.Name.Name == "documentation" || slices.ContainsFunc(f.Comments, ignored) || !own && generated(f) {
			continue
		}
		pkg := f.Name.Name
		if strings.HasSuffix(p, "_test.go") {
			pkg = strings.TrimSuffix(pkg, "_test")
		}
		if name != "" && pkg != name {
			return "", fmt.Errorf("%s holds two packages: %s in %s and %s in %s", dir, name, filepath.Base(from), pkg, filepath.Base(p))
		}
		name, from = pkg, p
	}
	return name, nil
}

// ignored reports whether a comment keeps its file out of every build, as generators are.
func ignored(g *ast.CommentGroup) bool {
	return slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return c.Text == "//go:build ignore" })
}

func generated(f *ast.File) bool {
	return slices.ContainsFunc(f.Comments, func(g *ast.CommentGroup) bool {
		return slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return c.Pos() < f.Package && marker.MatchString(c.Text) })
	})
}

// Output is a folder that gets the files of a package.
type Output struct {
	Dir   string
	files []codegen.File
	stale []string // names of files of an earlier run that are not in files
}

// NewOutput looks at dir, which may not exist yet, and decides what becomes of each file. A file that sbtc did not
// write is never touched: if one is in the way, that is the error.
func NewOutput(dir string, files []codegen.File) (*Output, error) {
	o := &Output{Dir: dir, files: slices.Clone(files)}
	// model.go comes last: it names the others.
	slices.SortStableFunc(o.files, func(a, b codegen.File) int { return isModel(a.Name) - isModel(b.Name) })
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	own, err := ownFiles(dir, entries)
	if err != nil {
		return nil, err
	}
	var foreign []string
	for _, e := range entries {
		written := slices.ContainsFunc(files, func(f codegen.File) bool { return f.Name == e.Name() })
		switch {
		case written && !own[e.Name()]:
			foreign = append(foreign, filepath.Join(dir, e.Name()))
		case !written && own[e.Name()]:
			o.stale = append(o.stale, e.Name())
		}
	}
	if foreign != nil {
		return nil, fmt.Errorf("not overwriting what sbtc did not write:\n\t%s\nremove or rename it, or choose another folder with -o",
			strings.Join(foreign, "\n\t"))
	}
	return o, nil
}

func isModel(name string) int {
	if name == modelFile {
		return 1
	}
	return 0
}

// ownFiles tells which of the files in dir sbtc wrote: those with its marker, and those whose hash a marked file names.
func ownFiles(dir string, entries []fs.DirEntry) (map[string]bool, error) {
	own := map[string]bool{}
	var texts [][]byte
	var rest []string
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		switch filepath.Ext(e.Name()) {
		case ".go", ".s":
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			if marked(data) {
				own[e.Name()] = true
				texts = append(texts, data)
			}
		case ".json": // has no comments
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			own[e.Name()] = ownJSON.Match(data)
		case ".bin":
			rest = append(rest, e.Name())
		}
	}
	if texts == nil {
		return own, nil
	}
	for _, name := range rest {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		hash := []byte(hex.EncodeToString(sum[:]))
		own[name] = slices.ContainsFunc(texts, func(text []byte) bool { return bytes.Contains(text, hash) })
	}
	return own, nil
}

// Write writes the files: each beside its place and then renamed, model.go last. Files of an earlier run that are not
// written again go.
func (o *Output) Write() (err error) {
	if err := os.MkdirAll(o.Dir, 0o777); err != nil {
		return err
	}
	var temps []string
	defer func() {
		for _, t := range temps {
			os.Remove(t) // those that were renamed are gone
		}
	}()
	for _, f := range o.files {
		t, err := writeBeside(filepath.Join(o.Dir, f.Name), f.Data)
		if err != nil {
			return err
		}
		temps = append(temps, t)
	}
	for i, f := range o.files {
		if i == len(o.files)-1 {
			for _, name := range o.stale {
				if err := os.Remove(filepath.Join(o.Dir, name)); err != nil {
					return err
				}
			}
		}
		if err := os.Rename(temps[i], filepath.Join(o.Dir, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func writeBeside(path string, data []byte) (temp string, err error) {
	temp = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.sbtc%d", filepath.Base(path), os.Getpid()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(temp)
	}
	return temp, err
}

// Differences lists the files in the folder that Write would change, and how.
func (o *Output) Differences() ([]string, error) {
	var out []string
	for _, f := range o.files {
		old, err := os.ReadFile(filepath.Join(o.Dir, f.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, f.Name+" is missing")
		case err != nil:
			return nil, err
		case !bytes.Equal(old, f.Data):
			out = append(out, f.Name+" differs")
		}
	}
	for _, name := range o.stale {
		out = append(out, name+" is left over from an earlier run")
	}
	return out, nil
}
