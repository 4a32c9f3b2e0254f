package check

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine names the processor, the system and Go. Virtual machines hide the processor's name, but not its family and
// model.
func Machine() string {
	facts := map[string]string{}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			key, value, ok := strings.Cut(line, ":")
			if key = strings.TrimSpace(key); ok && facts[key] == "" {
				facts[key] = strings.TrimSpace(value)
			}
		}
	}
	name := ""
	if facts["model name"] != "" {
		name = fmt.Sprintf("%s (family %s, model %s), ", facts["model name"], facts["cpu family"], facts["model"])
	}
	return fmt.Sprintf("%s%d logical processors, %s/%s, %s", name, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
