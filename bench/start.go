package bench

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// starts is the number of processes that are started to time New and the first Run.
const starts = 11

// begin runs the minimal program and returns the nanoseconds from New to the first result, and the bytes that its
// process holds in memory after a few more runs, 0 where the system does not tell.
func begin(program string) (nanoseconds, resident float64, err error) {
	cmd := exec.Command(program)
	cmd.Env = withoutCPU(os.Environ())
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, 0, err
	}
	says, err := cmd.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer cmd.Wait()
	defer in.Close()
	line, err := bufio.NewReader(says).ReadString('\n')
	if err == nil {
		nanoseconds, err = strconv.ParseFloat(strings.TrimSpace(line), 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the minimal program: %w: %s", err, line)
	}
	return nanoseconds, residentBytes(cmd.Process.Pid), nil
}

// residentBytes is VmRSS of /proc/PID/status (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func residentBytes(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kilobytes); n == 1 {
			return kilobytes * 1024
		}
	}
	return 0
}

// codeBytes is the machine code of the compiled package in a program, 0 where the program's format is not ELF.
func codeBytes(program string) int {
	f, err := elf.Open(program)
	if err != nil {
		return 0
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return 0
	}
	sum := 0
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && strings.HasPrefix(s.Name, packageModule+"/p.") {
			sum += int(s.Size)
		}
	}
	return sum
}
