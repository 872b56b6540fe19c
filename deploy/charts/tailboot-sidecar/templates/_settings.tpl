{{/*
All templates have the same argument, a dict:
  root       the context of the chart that uses them ($)
  component  which part of that chart this is; selects the key of authKeyRefs
  workload   name of the Deployment, StatefulSet or Job. Default: RELEASE-COMPONENT
  replicas   only for a StatefulSet: how many pods, each a node of its own with a Secret of its own
  account    name of the service account and of what belongs to it. Default: WORKLOAD-tailnet
The chart tailboot also passes: overrides (settings that go before the values), image (when tailscale.image is not set), claims
(the workload makes volumes of its own), env, mounts, volumes, routes, preStop.
*/}}

{{- define "tailboot-sidecar.kinds" -}}
enabled: bool
controlUrl: string
userspace: bool
image: string
imagePullPolicy: string
resources: map
authKeyRefs: map
authKeySecret: string
auth: map
hostname: string
tags: slice
acceptDns: bool
extraArgs: slice
env: slice
state: map
ca: map
serve: map
metrics: bool
kernel: map
{{- end }}

{{/* The settings: what the chart's values say, over the defaults of this one. */}}
{{- define "tailboot-sidecar.settings" -}}
{{- $own := .root.Values.tailscale | default dict -}}
{{- range $name, $kind := include "tailboot-sidecar.kinds" . | fromYaml -}}
{{- $value := index $own $name -}}
{{- if and (not (kindIs "invalid" $value)) (not (kindIs $kind $value)) -}}
{{- $word := $kind | replace "slice" "list" | replace "bool" "boolean" -}}
{{- fail (printf "tailscale.%s: must be a %s, and is %q, a %s" $name $word (toString $value) (kindOf $value)) -}}
{{- end -}}
{{- end -}}
{{- $settings := merge (deepCopy $own) (omit (index .root.Values "tailboot-sidecar") "global") -}}
{{- if kindIs "bool" $own.userspace -}}
{{- $_ := set $settings "userspace" $own.userspace -}}
{{- end -}}
{{- range $name, $value := .overrides -}}
{{- $_ := set $settings $name $value -}}
{{- end -}}
{{- if and .image (not $own.image) -}}
{{- $_ := set $settings "image" .image -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end }}

{{/* Name of the workload. */}}
{{- define "tailboot-sidecar.workload" -}}
{{- $component := required "tailboot-sidecar: the argument component is missing" .component -}}
{{- .workload | default (printf "%s-%s" .root.Release.Name $component) | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{/* Name of the service account and of the Role. */}}
{{- define "tailboot-sidecar.name" -}}
{{- .account | default (printf "%s-tailnet" (include "tailboot-sidecar.workload" .)) -}}
{{- end }}

{{/* Names of the state Secrets, one per node, as YAML. */}}
{{- define "tailboot-sidecar.secrets" -}}
{{- $workload := include "tailboot-sidecar.workload" . -}}
{{- if .replicas -}}
{{- range $index := until (int .replicas) }}
- {{ printf "%s-%d-state" $workload $index }}
{{- end }}
{{- else }}
- {{ $workload }}-state
{{- end }}
{{- end }}

{{/* Fails with the sentence that names the value when the settings cannot work. */}}
{{- define "tailboot-sidecar.check" -}}
{{- $s := include "tailboot-sidecar.settings" . | fromYaml -}}
{{- $key := index $s.authKeyRefs .component -}}
{{- if and $s.authKeyRefs (not $key) (not $s.auth.secret) -}}
{{- fail (printf "tailscale.authKeyRefs.%s: is missing, and other components have a key there: name the key of the Secret %s that is this one's, or set tailscale.auth.secret" .component $s.authKeySecret) -}}
{{- end -}}
{{- if not (or $key $s.auth.secret $s.auth.oauth.secret $s.auth.workloadIdentity.clientId $s.state.identityExists) -}}
{{- fail (printf "tailscale.auth.secret: no key and no identity: name the Secret with an auth key here, or its key in tailscale.authKeyRefs.%s, or a client in tailscale.auth.oauth or tailscale.auth.workloadIdentity; if the state holds a node that has logged in, set tailscale.state.identityExists" .component) -}}
{{- end -}}
{{- if and (or $s.auth.oauth.secret $s.auth.workloadIdentity.clientId) (not $s.tags) -}}
{{- fail "tailscale.tags: is empty, and a login by tailscale.auth.oauth or tailscale.auth.workloadIdentity needs at least one tag" -}}
{{- end -}}
{{- if not (has $s.state.kind (list "secret" "volume" "memory")) -}}
{{- fail (printf "tailscale.state.kind: is %q, and must be secret, volume or memory" $s.state.kind) -}}
{{- end -}}
{{- if and (eq $s.state.kind "memory") $s.state.identityExists -}}
{{- fail "tailscale.state.identityExists: there is no identity in a state that is kept in memory: set tailscale.state.kind to secret or volume, or provide a key" -}}
{{- end -}}
{{- if and (eq $s.state.kind "volume") (not $s.state.claim) (not .claims) -}}
{{- fail "tailscale.state.claim: is empty, and tailscale.state.kind is volume: name the PersistentVolumeClaim that keeps the state" -}}
{{- end -}}
{{- if and $s.ca.configMap $s.ca.secret -}}
{{- fail "tailscale.ca.configMap: only one of tailscale.ca.configMap and tailscale.ca.secret may be set" -}}
{{- end -}}
{{- if and $s.controlUrl (not (regexMatch "^https?://[^/ ]+" $s.controlUrl)) -}}
{{- fail (printf "tailscale.controlUrl: is %q, and must begin with https:// or http://" $s.controlUrl) -}}
{{- end -}}
{{- if and $s.controlUrl (or $s.auth.oauth.secret $s.auth.workloadIdentity.clientId) -}}
{{- fail "tailscale.controlUrl: another control server than Tailscale's knows no tailscale.auth.oauth and no tailscale.auth.workloadIdentity: use an auth key" -}}
{{- end -}}
{{- if and $s.userspace (or $s.kernel.privileged $s.kernel.tunResource $s.kernel.sysctls) -}}
{{- fail "tailscale.kernel: has no meaning with userspace networking: remove it, or switch to kernel networking" -}}
{{- end -}}
{{- end }}
