package main

import (
	"context"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// parseCompose loads a file as docker compose does: schema, interpolation, consistency.
func parseCompose(path string, variables map[string]string) (map[string]container, error) {
	environment := []string{}
	for name, value := range variables {
		environment = append(environment, name+"="+value)
	}
	options, err := cli.NewProjectOptions([]string{path}, cli.WithEnv(environment))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	found := map[string]container{}
	for name, service := range project.Services {
		found[name] = composeContainer(project, service)
	}
	return found, nil
}

func composeContainer(project *types.Project, service types.ServiceConfig) container {
	made := container{
		Image:       service.Image,
		Argv:        append(append([]string{}, service.Entrypoint...), service.Command...),
		Environment: map[string]string{},
		Network:     strings.TrimPrefix(service.NetworkMode, "service:"),
		Files:       map[string]string{},
	}
	for name, value := range service.Environment {
		if value != nil {
			made.Environment[name] = *value
		}
	}
	for name, dependency := range service.DependsOn {
		if dependency.Condition == types.ServiceConditionHealthy {
			made.Before = append(made.Before, name)
		}
	}
	for _, config := range service.Configs {
		made.Files[config.Target] = project.Configs[config.Source].Content
	}
	for _, secret := range service.Secrets {
		made.Files["/run/secrets/"+secret.Source] = project.Secrets[secret.Source].Content
	}
	for _, volume := range service.Volumes {
		made.Mounts = append(made.Mounts, volume.Target)
	}
	if service.StopGracePeriod != nil {
		made.StopSeconds = float64(*service.StopGracePeriod) / 1e9
	}
	if service.HealthCheck != nil {
		made.Health = service.HealthCheck.Test
	}
	return made
}
