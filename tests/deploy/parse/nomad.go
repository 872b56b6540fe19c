package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"
)

// parseNomad reads a job into the structs of Nomad's own client library; a name that they lack is an error.
func parseNomad(path string, variables map[string]string) (map[string]container, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, diagnostics := hclparse.NewParser().ParseHCL(text, path)
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	body := file.Body.(*hclsyntax.Body)
	context, err := evaluation(body, variables)
	if err != nil {
		return nil, err
	}
	for _, block := range body.Blocks {
		if block.Type != "job" {
			continue
		}
		job := &api.Job{}
		if err := decode(block, context, job); err != nil {
			return nil, err
		}
		job.ID, job.Name = &block.Labels[0], &block.Labels[0]
		// Fills the defaults in, as the server would.
		job.Canonicalize()
		return nomadContainers(job), nil
	}
	return nil, errors.New(path + ": no job")
}

// evaluation gives the job its variables: defaults, and those of the command line.
func evaluation(body *hclsyntax.Body, given map[string]string) (*hcl.EvalContext, error) {
	values := map[string]cty.Value{}
	for _, block := range body.Blocks {
		if block.Type != "variable" {
			continue
		}
		name := block.Labels[0]
		if value, there := given[name]; there {
			values[name] = cty.StringVal(value)
			delete(given, name)
			continue
		}
		value, diagnostics := block.Body.Attributes["default"].Expr.Value(nil)
		if diagnostics.HasErrors() {
			return nil, diagnostics
		}
		values[name] = value
	}
	for name := range given {
		return nil, fmt.Errorf("the job has no variable %s", name)
	}
	return &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(values)}}, nil
}

func nomadContainers(job *api.Job) map[string]container {
	found := map[string]container{}
	for _, group := range job.TaskGroups {
		for _, task := range group.Tasks {
			found[task.Name] = nomadContainer(group, task)
		}
	}
	return found
}

func nomadContainer(group *api.TaskGroup, task *api.Task) container {
	image, _ := task.Config["image"].(string)
	made := container{Image: image, Environment: task.Env, Files: map[string]string{}, StopSeconds: task.KillTimeout.Seconds()}
	if len(group.Networks) > 0 && group.Networks[0].Mode == "bridge" {
		made.Network = *group.Name
	}
	for _, other := range group.Tasks {
		if task.Lifecycle == nil && other.Lifecycle != nil && other.Lifecycle.Hook == "prestart" {
			made.Before = append(made.Before, other.Name)
		}
	}
	for _, template := range task.Templates {
		// What is filled in by Nomad is not in the file.
		content := *template.EmbeddedTmpl
		if strings.Contains(content, "{{ with") {
			content = ""
		}
		made.Files["/"+*template.DestPath] = content
	}
	for _, mount := range task.VolumeMounts {
		made.Mounts = append(made.Mounts, *mount.Destination)
	}
	for _, service := range group.Services {
		for _, check := range service.Checks {
			made.Health = append(made.Health, check.Path)
		}
	}
	return made
}
