{{- define "tailboot.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "tailboot.selector" -}}
app.kubernetes.io/name: tailboot
app.kubernetes.io/instance: {{ include "tailboot.name" . }}
{{- end }}

{{- define "tailboot.labels" -}}
{{ include "tailboot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ .Values.mode }}
{{- end }}

{{/* "true" with kernel networking, else empty. */}}
{{- define "tailboot.kernel" -}}
{{- $asked := .Values.tailscale.userspace -}}
{{- if .Values.network -}}
{{- if eq .Values.network "kernel" }}true{{ end -}}
{{- else if kindIs "bool" $asked -}}
{{- if not $asked }}true{{ end -}}
{{- else if eq .Values.mode "egress" -}}
true
{{- end -}}
{{- end }}

{{/* "true" when pods are a StatefulSet's: all modes but a sidecar of another kind. */}}
{{- define "tailboot.stateful" -}}
{{- if or (ne .Values.mode "sidecar") (eq .Values.sidecar.kind "StatefulSet") }}true{{ end -}}
{{- end }}

{{/* Port by which a port of an egress service reaches the pod: it must not change when others are added. */}}
{{- define "tailboot.matchPort" -}}
{{- if .port.matchPort -}}
{{- .port.matchPort -}}
{{- else -}}
{{- $hash := printf "%s/%d/%s" .name (int .port.port) (.port.protocol | default "TCP") | sha256sum | trunc 7 -}}
{{- add 10000 (mod (int64 (printf "0x%s" $hash)) 20000) -}}
{{- end -}}
{{- end }}

{{/* Ports of the pod for clients in the cluster: YAML list of {name, port, targetPort, protocol, service}. */}}
{{- define "tailboot.ports" -}}
{{- if eq .Values.mode "httpProxy" }}
- {name: proxy, port: {{ .Values.httpProxy.port }}, targetPort: {{ .Values.httpProxy.port }}, protocol: TCP, service: ""}
{{- else if eq .Values.mode "egress" }}
{{- range .Values.egress.ports }}
{{- $protocol := .protocol | default "TCP" }}
- {name: {{ .name | default (printf "%s-%d" (lower $protocol) (int .port)) }}, port: {{ .port }}, targetPort: {{ .targetPort | default .port }}, protocol: {{ $protocol }}, service: ""}
{{- end }}
{{- range $name, $service := .Values.egress.services }}
{{- range $service.ports }}
{{- $protocol := .protocol | default "TCP" }}
- {name: {{ printf "%s-%d" (lower $protocol) (int .port) }}, port: {{ .port }}, targetPort: {{ include "tailboot.matchPort" (dict "name" $name "port" .) }}, protocol: {{ $protocol }}, service: {{ $name }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Files of the egress services. Pings: enough that each replica behind the Service has been met, as the operator counts. */}}
{{- define "tailboot.egressServices" -}}
{{- $root := . -}}
{{- $services := dict -}}
{{- range $name, $service := .Values.egress.services -}}
{{- $ports := list -}}
{{- range $service.ports -}}
{{- $match := include "tailboot.matchPort" (dict "name" $name "port" .) | int -}}
{{- $target := .targetPort | default .port | int -}}
{{- $ports = append $ports (dict "protocol" (lower (.protocol | default "TCP")) "matchPort" $match "targetPort" $target) -}}
{{- end -}}
{{- $health := printf "http://%s-%s:9002/healthz" (include "tailboot.name" $root) $name -}}
{{- $target := dict "fqdn" ($service.fqdn | default "") "ip" ($service.ip | default "") -}}
{{- $_ := set $services $name (dict "healthCheckEndpoint" $health "tailnetTarget" $target "ports" $ports) -}}
{{- end -}}
{{- toJson $services -}}
{{- end }}

{{/* The serve configuration that forwards the ports of a userspace ingress. */}}
{{- define "tailboot.ingressServe" -}}
{{- $destination := .Values.ingress.destination -}}
{{- $tcp := dict -}}
{{- range .Values.ingress.ports -}}
{{- $to := printf "%s:%d" (contains ":" $destination | ternary (printf "[%s]" $destination) $destination) (int (.targetPort | default .port)) -}}
{{- $_ := set $tcp (printf "%d" (int .port)) (dict "TCPForward" $to) -}}
{{- end -}}
{{- dict "TCP" $tcp | toJson -}}
{{- end }}

{{/* Environment that belongs to the mode, as YAML list. */}}
{{- define "tailboot.modeEnv" -}}
{{- if .Values.egress.services }}
- {name: TS_EGRESS_PROXIES_CONFIG_PATH, value: /etc/tailboot/egress}
{{- end }}
{{- if and (eq .Values.mode "egress") .Values.egress.target.fqdn }}
- {name: TS_TAILNET_TARGET_FQDN, value: {{ .Values.egress.target.fqdn | quote }}}
{{- else if and (eq .Values.mode "egress") .Values.egress.target.ip }}
- {name: TS_TAILNET_TARGET_IP, value: {{ .Values.egress.target.ip | quote }}}
{{- end }}
{{- if and (eq .Values.mode "ingress") (include "tailboot.kernel" .) }}
{{- if regexMatch "^([0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$" .Values.ingress.destination }}
- {name: TS_DEST_IP, value: {{ .Values.ingress.destination | quote }}}
{{- else }}
- {name: TS_EXPERIMENTAL_DEST_DNS_NAME, value: {{ .Values.ingress.destination | quote }}}
{{- end }}
{{- end }}
{{- if eq .Values.mode "httpProxy" }}
- {name: TS_OUTBOUND_HTTP_PROXY_LISTEN, value: ":{{ .Values.httpProxy.port }}"}
- {name: TS_SOCKS5_SERVER, value: ":{{ .Values.httpProxy.port }}"}
{{- end }}
{{- end }}

{{/* Argument of the library's templates, as YAML; the root is added by the caller, since it cannot pass through YAML. */}}
{{- define "tailboot.arguments" -}}
{{- $name := include "tailboot.name" . -}}
{{- $image := printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- $arguments := dict "component" (.Values.component | default $name) "workload" $name "image" $image -}}
{{- $_ := set $arguments "account" $name -}}
{{- $overrides := dict "userspace" (ne (include "tailboot.kernel" .) "true") -}}
{{- if .Values.podMonitor.enabled -}}{{- $_ := set $overrides "metrics" true -}}{{- end -}}
{{- if .Values.ingress.ports -}}{{- $_ := set $overrides "serve" (include "tailboot.ingressServe" . | fromJson) -}}{{- end -}}
{{- $_ := set $arguments "overrides" $overrides -}}
{{- $_ := set $arguments "env" (include "tailboot.modeEnv" . | fromYamlArray) -}}
{{- if include "tailboot.stateful" . -}}
{{- $_ := set $arguments "replicas" .Values.replicas -}}
{{- $_ := set $arguments "claims" true -}}
{{- end -}}
{{- if eq .Values.mode "subnetRouter" -}}
{{- $_ := set $arguments "routes" .Values.subnetRouter.routes -}}
{{- else if eq .Values.mode "exitNode" -}}
{{- $_ := set $arguments "routes" (list "0.0.0.0/0" "::/0") -}}
{{- end -}}
{{- if .Values.egress.services -}}
{{- $_ := set $arguments "preStop" (dict "httpGet" (dict "path" "/internal-egress-services-preshutdown" "port" "tailnet-health")) -}}
{{- $_ := set $arguments "mounts" (list (dict "name" "egress" "mountPath" "/etc/tailboot/egress" "readOnly" true)) -}}
{{- $_ := set $arguments "volumes" (list (dict "name" "egress" "configMap" (dict "name" (printf "%s-egress" $name)))) -}}
{{- else if and (has .Values.mode (list "egress" "httpProxy")) .Values.preStopSeconds -}}
{{- $_ := set $arguments "preStop" (dict "sleep" (dict "seconds" .Values.preStopSeconds)) -}}
{{- end -}}
{{- toYaml $arguments -}}
{{- end }}
