//go:build tools

// Package tools pins the program that tailboot replaces, its client and its own tests.
package tools

import (
	_ "tailscale.com/cmd/containerboot"
	_ "tailscale.com/cmd/tailscale"
)
