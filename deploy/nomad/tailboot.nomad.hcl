# A web server in the network of a tailnet node: the page is on port 80 of the node's tailnet name. Userspace networking, without
# privileges; the state is kept in a host volume "tailscale", the auth key in a variable of Nomad.
#
#   nomad var put nomad/jobs/web authkey=tskey-…
#   nomad job run deploy/nomad/tailboot.nomad.hcl
#
# With Headscale: nomad job run -var login_server=https://headscale.example.com deploy/nomad/tailboot.nomad.hcl
variable "image" {
  type    = string
  default = "localhost/tailboot:0.1.0"
}

variable "login_server" {
  type    = string
  default = "https://controlplane.tailscale.com"
}

variable "hostname" {
  type    = string
  default = "web"
}

job "web" {
  type = "service"

  group "web" {
    # Two allocations would be the same node twice.
    count = 1

    network {
      mode = "bridge"
      port "health" {
        to = 9002
      }
    }

    volume "state" {
      type   = "host"
      source = "tailscale"
    }

    service {
      name     = "web-node"
      port     = "health"
      provider = "nomad"
      check {
        type     = "http"
        path     = "/readyz"
        interval = "10s"
        timeout  = "2s"
      }
    }

    # Started before the web server and ended after it, in the same network namespace.
    task "tailscale" {
      driver = "docker"
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
      config {
        image    = var.image
        cap_drop = ["all"]
      }
      env {
        TS_AUTHKEY             = "file:/secrets/authkey"
        TS_AUTH_ONCE           = "true"
        TS_EXTRA_ARGS          = "--login-server=${var.login_server}"
        TS_HOSTNAME            = var.hostname
        TS_STATE_DIR           = "/var/lib/tailscale"
        TS_SERVE_CONFIG        = "/local/serve.json"
        TS_ENABLE_HEALTH_CHECK = "true"
      }
      template {
        destination = "secrets/authkey"
        data        = "{{ with nomadVar \"nomad/jobs/web\" }}{{ .authkey }}{{ end }}"
        perms       = "600"
      }
      template {
        destination = "local/serve.json"
        data        = "{\"TCP\": {\"80\": {\"TCPForward\": \"127.0.0.1:80\"}}}"
        change_mode = "noop"
      }
      volume_mount {
        volume      = "state"
        destination = "/var/lib/tailscale"
      }
      # More than TAILBOOT_STOP_BUDGET, which is 25 s. A client of Nomad permits 30 s when it is not told otherwise.
      kill_timeout = "30s"
      resources {
        cpu    = 100
        memory = 128
      }
    }

    task "web" {
      driver = "docker"
      config {
        image = "docker.io/library/nginx:stable"
      }
    }
  }
}
