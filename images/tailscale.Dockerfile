# tailscale and tailscaled, built through the Go module proxy, and nothing else: a source for images/Dockerfile.
# Build from the root of the tree: docker build -f images/tailscale.Dockerfile -t tailscale-binaries .

# Any Debian 12.
ARG BASE=docker.io/library/debian:12-slim

FROM ${BASE} AS build
ARG TAILSCALE_VERSION=1.102.3
COPY scripts/need /src/scripts/need
RUN /src/scripts/need go
RUN go=$(/src/scripts/need --where go) && for program in tailscale tailscaled; do \
		CGO_ENABLED=0 GOBIN=/usr/local/bin GOFLAGS=-buildvcs=false "$go" install -ldflags="-s -w" \
			"tailscale.com/cmd/$program@v${TAILSCALE_VERSION}" || exit 1; \
	done

FROM scratch
COPY --from=build /usr/local/bin/tailscale /usr/local/bin/tailscaled /usr/local/bin/
