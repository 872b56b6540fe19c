// Parse reads a Compose file or a Nomad job by the libraries of those programs and prints what a container would get.
//
//	parse compose FILE [NAME=VALUE...]   variables of the environment
//	parse nomad FILE [NAME=VALUE...]     variables of the job
//
// The output is JSON: container name → image, argv, environment, network, files. What a library refuses is printed as it says.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// container is what both kinds of file say about one container.
type container struct {
	Image       string            `json:"image"`
	Argv        []string          `json:"argv"`
	Environment map[string]string `json:"environment"`
	// Network names the container whose network it joins, "" for one of its own, the group's for Nomad.
	Network string `json:"network"`
	// Before lists the containers that must be ready first.
	Before []string `json:"before"`
	// Files are those that the file brings along: path → content, "" where it comes from elsewhere.
	Files       map[string]string `json:"files"`
	Mounts      []string          `json:"mounts"`
	StopSeconds float64           `json:"stop_seconds"`
	Health      []string          `json:"health"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "parse: compose or nomad, FILE, and NAME=VALUE...")
		os.Exit(2)
	}
	parsers := map[string]func(string, map[string]string) (map[string]container, error){
		"compose": parseCompose,
		"nomad":   parseNomad,
	}
	variables := map[string]string{}
	for _, word := range os.Args[3:] {
		name, value, _ := strings.Cut(word, "=")
		variables[name] = value
	}
	found, err := parsers[os.Args[1]](os.Args[2], variables)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(found); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
