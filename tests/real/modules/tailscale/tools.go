//go:build tools

// Package tools pins the daemon, the client, the operator and the entry program of its containers.
package tools

import (
	_ "tailscale.com/cmd/containerboot"
	_ "tailscale.com/cmd/k8s-operator"
	_ "tailscale.com/cmd/tailscale"
	_ "tailscale.com/cmd/tailscaled"
)
