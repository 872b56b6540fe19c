{{/* The container as a native sidecar: an entry of initContainers. */}}
{{- define "tailboot-sidecar.container" -}}
{{- include "tailboot-sidecar.check" . -}}
- name: tailscale
  restartPolicy: Always
  {{- include "tailboot-sidecar.body" . | nindent 2 }}
{{- end }}

{{/* The container without its place in the pod. */}}
{{- define "tailboot-sidecar.body" -}}
{{- $s := include "tailboot-sidecar.settings" . | fromYaml -}}
image: {{ $s.image }}
imagePullPolicy: {{ $s.imagePullPolicy }}
env:
  {{- include "tailboot-sidecar.env" . | nindent 2 }}
ports:
  - name: tailnet-health
    containerPort: 9002
# The program ends by itself when a start takes longer than TS_BOOT_TIMEOUT (60 s), and says why: the probe leaves it the time.
startupProbe:
  httpGet: {path: /readyz, port: tailnet-health}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /readyz, port: tailnet-health}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: tailnet-health}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- with .preStop }}
lifecycle:
  preStop:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- if or $s.resources $s.kernel.tunResource }}
resources:
  {{- $tun := dict -}}
  {{- with $s.kernel.tunResource }}{{ $_ := set $tun "limits" (dict . "1") }}{{ end }}
  {{- merge (deepCopy $s.resources) $tun | toYaml | nindent 2 }}
{{- end }}
securityContext:
  {{- include "tailboot-sidecar.security" $s | nindent 2 }}
volumeMounts:
  - name: tailnet-tmp
    mountPath: /tmp
  {{- if eq $s.state.kind "volume" }}
  - name: tailnet-state
    mountPath: /var/lib/tailscale
  {{- end }}
  {{- if $s.serve }}
  - name: tailnet-serve
    mountPath: /etc/tailboot/serve
    readOnly: true
  {{- end }}
  {{- if or $s.ca.configMap $s.ca.secret }}
  - name: tailnet-ca
    mountPath: /etc/tailboot/ca
    readOnly: true
  {{- end }}
  {{- if $s.auth.workloadIdentity.clientId }}
  - name: tailnet-token
    mountPath: /var/run/secrets/tailboot
    readOnly: true
  {{- end }}
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "tailboot-sidecar.security" -}}
{{- if .kernel.privileged -}}
privileged: true
{{- else if .userspace -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
seccompProfile:
  type: RuntimeDefault
{{- else -}}
runAsNonRoot: false
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
  add: ["NET_ADMIN", "NET_RAW"{{ if not .kernel.tunResource }}, "MKNOD"{{ end }}]
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- end }}

{{/* securityContext of the pod; empty when there is nothing to say. */}}
{{- define "tailboot-sidecar.podSecurity" -}}
{{- $s := include "tailboot-sidecar.settings" . | fromYaml -}}
{{- if and (eq $s.state.kind "volume") $s.userspace }}
fsGroup: 1000
{{- end }}
{{- if $s.kernel.sysctls }}
sysctls:
  - name: net.ipv4.ip_forward
    value: "1"
  - name: net.ipv6.conf.all.forwarding
    value: "1"
{{- end }}
{{- end }}
