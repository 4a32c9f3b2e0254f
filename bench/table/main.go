// Command table measures the models that docs/performance.md is about and writes that page. It runs in the root of the
// repository:
//
//	go run ./bench/table -ort LIBONNXRUNTIME [-only REGEXP] [-o docs/performance.md]
//
// Models come from train/shapes.py and train/fullsize.py, which need Python 3 with numpy and onnx. Models and results stay
// in the folder of -work: with -only, the page is made of new results where REGEXP matches and of earlier ones elsewhere.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sbtc-go/sbtc/bench"
)

type command struct {
	library, python, work string
	rounds, repeat        int
}

func main() {
	var c command
	only := flag.String("only", "", "measure only works whose id matches")
	out := flag.String("o", "", "file to write; standard output without it")
	flag.StringVar(&c.library, "ort", "", "shared library of ONNX Runtime")
	flag.StringVar(&c.python, "python", "python3", "Python with numpy and onnx")
	flag.StringVar(&c.work, "work", filepath.Join(os.TempDir(), "sbtc-table"), "folder for models and results")
	flag.IntVar(&c.rounds, "rounds", 41, "rounds of turns")
	flag.IntVar(&c.repeat, "repeat", 1, "separate runs, of which the smallest ratios count")
	flag.Parse()
	if err := c.run(*only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func (c command) run(only, out string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if c.library == "" {
		return fmt.Errorf("-ort is missing: the path of libonnxruntime.so")
	}
	if err := os.MkdirAll(c.work, 0o777); err != nil {
		return err
	}
	if err := c.do("go", "build", "-o", c.file("sbtc.exe"), "./cmd/sbtc"); err != nil {
		return err
	}
	for _, w := range works {
		if !match.MatchString(w.id) {
			continue
		}
		begin := time.Now()
		if err := c.measure(w); err != nil {
			fmt.Fprintf(os.Stderr, "table: %s: %v\n", w.id, err)
			continue
		}
		fmt.Fprintf(os.Stderr, "%-18s %6.1f s\n", w.id, time.Since(begin).Seconds())
	}
	text, err := c.page()
	if err != nil {
		return err
	}
	if out == "" {
		_, err = os.Stdout.WriteString(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o666)
}

func (c command) file(name string) string { return filepath.Join(c.work, name) }

// do runs a command; what it prints is part of its error.
func (c command) do(name string, args ...string) error {
	output, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, output)
	}
	return nil
}

// model makes the model of arguments, unless it is there, and returns its path.
func (c command) model(args []string) (string, error) {
	name := strings.NewReplacer("--", "", "train.", "").Replace(strings.Join(args, "_"))
	path := c.file(name + ".onnx")
	target := path
	if args[0] == "train.fullsize" { // which writes into a folder
		target = c.file(name)
		path = filepath.Join(target, "transformer.onnx")
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, c.do(c.python, slices.Concat([]string{"-m"}, args, []string{"--out", target})...)
}

// measure runs sbtc bench and keeps its results.
func (c command) measure(w work) error {
	model, err := c.model(w.make)
	if err != nil {
		return err
	}
	args := append([]string{"bench", model, "--json", "--ort", c.library, "--rounds", strconv.Itoa(c.rounds)}, w.flags...)
	if w.paths != "" {
		args = append(args, "--paths", w.paths)
	}
	if w.peer != nil {
		peer, err := c.model(w.peer)
		if err != nil {
			return err
		}
		args = append(args, "--ort-model", peer)
	}
	var results []*bench.Result
	for range c.repeat {
		cmd := exec.Command(c.file("sbtc.exe"), args...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, &stderr)
		}
		var r bench.Result
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		results = append(results, &r)
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.results(w.id), text, 0o666)
}

func (c command) results(id string) string { return c.file(id + ".json") }

// read returns the results of a work, nil if there are none.
func (c command) read(id string) ([]*bench.Result, error) {
	text, err := os.ReadFile(c.results(id))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r []*bench.Result
	return r, json.Unmarshal(text, &r)
}
