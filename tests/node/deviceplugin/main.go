// Command deviceplugin offers /dev/net/tun to pods without privileges, as device plugins of real clusters do.
//
//	deviceplugin /var/lib/kubelet/device-plugins
//
// A container that asks for tailboot.example/tun gets the device, and the kernel's permission to open it.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Set by the build.
var version = "unknown"

const (
	resource = "tailboot.example/tun"
	device   = "/dev/net/tun"
	// How many pods of a node may have it at once: the device is not used up.
	shares   = 64
	patience = 20 * time.Second
)

type plugin struct {
	api.UnimplementedDevicePluginServer
}

func (plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (plugin) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	reply := &api.ListAndWatchResponse{}
	for number := range shares {
		reply.Devices = append(reply.Devices, &api.Device{ID: fmt.Sprintf("tun%d", number), Health: api.Healthy})
	}
	if err := stream.Send(reply); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	reply := &api.AllocateResponse{}
	for range request.ContainerRequests {
		reply.ContainerResponses = append(reply.ContainerResponses, &api.ContainerAllocateResponse{
			Devices: []*api.DeviceSpec{{ContainerPath: device, HostPath: device, Permissions: "rw"}},
		})
	}
	return reply, nil
}

func register(folder, name string) error {
	connection, err := grpc.NewClient("unix://"+filepath.Join(folder, "kubelet.sock"),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = api.NewRegistrationClient(connection).Register(limited,
		&api.RegisterRequest{Version: api.Version, Endpoint: name, ResourceName: resource},
		grpc.WaitForReady(true))
	return err
}

func run(folder string) error {
	const name = "tun.sock"
	path := filepath.Join(folder, name)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, plugin{})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if err := register(folder, name); err != nil {
		return fmt.Errorf("register %s: %w", resource, err)
	}
	log.Printf("registered %s", resource)
	return <-ended
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: deviceplugin FOLDER-OF-KUBELET'S-DEVICE-PLUGINS")
	}
	if os.Args[1] == "--version" {
		fmt.Println(version)
		return
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
