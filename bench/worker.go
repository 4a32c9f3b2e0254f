package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/sbtc-go/sbtc/bench/timer"
)

// answerLimit is how long one answer may take.
const answerLimit = 5 * time.Minute

// worker is a process that runs timer.Serve.
type worker struct {
	cmd    *exec.Cmd
	in     *json.Encoder
	pipe   interface{ Close() error }
	out    *json.Decoder
	stderr strings.Builder
}

// start starts the program with additions to the environment.
func start(program string, env ...string) (*worker, error) {
	w := &worker{cmd: exec.Command(program)}
	w.cmd.Env = append(withoutCPU(os.Environ()), env...)
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.cmd.Stderr = &w.stderr
	w.in, w.pipe, w.out = json.NewEncoder(in), in, json.NewDecoder(bufio.NewReader(out))
	return w, w.cmd.Start()
}

// withoutCPU leaves out the variable that lowers the path of compiled packages.
func withoutCPU(env []string) []string {
	var list []string
	for _, s := range env {
		if !strings.HasPrefix(s, cpuVar) {
			list = append(list, s)
		}
	}
	return list
}

const cpuVar = "SBTC_CPU="

// ask sends a request and returns the answer.
func (w *worker) ask(q timer.Request) (r timer.Reply, err error) {
	timeout := time.AfterFunc(answerLimit, func() { w.cmd.Process.Kill() })
	defer timeout.Stop()
	if err = w.in.Encode(q); err == nil {
		err = w.out.Decode(&r)
	}
	if err != nil {
		w.cmd.Process.Kill()
		text := strings.TrimSpace(w.stderr.String())
		return r, fmt.Errorf("the process ended: %w\n%s", err, text[:min(len(text), 4096)])
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

// close ends the process.
func (w *worker) close() {
	w.pipe.Close()
	w.cmd.Process.Kill()
	w.cmd.Wait()
}
