//go:build tools

// Package tools pins the daemon and the client of the real-partner stories.
package tools

import (
	_ "tailscale.com/cmd/tailscale"
	_ "tailscale.com/cmd/tailscaled"
)
