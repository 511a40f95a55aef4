{{/* Labels of everything that is made here. Call with (dict "root" $ "component" NAME). */}}
{{- define "mltk.labels" -}}
{{ include "mltk.selector" . }}
app.kubernetes.io/part-of: mltk
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* What never changes from one version to the next: a Deployment's selector is immutable. */}}
{{- define "mltk.selector" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* What the Pod Security Standard `restricted` asks of a pod, and the uid of the image. */}}
{{- define "mltk.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
# Changing the owner of every artifact at each start would take minutes.
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What it asks of a container; the file system of the image is never written. */}}
{{- define "mltk.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The same writable places as Tekton gives a step: home and temporary files. */}}
{{- define "mltk.home" -}}
- name: HOME
  value: /tekton/home
- name: TMPDIR
  value: /tekton/home
{{- end }}

{{/* Where the pods of this release go and how their image is pulled. */}}
{{- define "mltk.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.pods.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A shipped manifest with the release's defaults. Call with (dict "root" $ "path" PATH). */}}
{{- define "mltk.manifest" -}}
{{- $manifest := .root.Files.Get .path | fromYaml }}
{{- with $manifest.Error }}{{ fail (printf "%s: %s" $.path .) }}{{ end }}
{{- $secrets := .root.Values.secrets }}
{{- $defaults := dict "image" .root.Values.image "source-secret" $secrets.source }}
{{- $_ := set $defaults "tracking-secret" $secrets.tracking }}
{{- $_ := set $defaults "hosting-secret" $secrets.hosting }}
{{- $_ := set $defaults "forge-secret" $secrets.forge }}
{{- $_ := set $defaults "ingest-secret" $secrets.ingest }}
{{- range $param := $manifest.spec.params }}
{{- if and (hasKey $param "default") (hasKey $defaults $param.name) }}
{{- $_ := set $param "default" (get $defaults $param.name) }}
{{- end }}
{{- end }}
{{- $labels := include "mltk.labels" (dict "root" .root "component" $manifest.metadata.name) }}
{{- $own := omit ($labels | fromYaml) "app.kubernetes.io/version" }}
{{- $_ := set $manifest.metadata "labels" (merge $manifest.metadata.labels $own) }}
{{- $manifest | toYaml }}
{{- end }}

{{/* Whether this release brings an MLflow: "true" or nothing. */}}
{{- define "mltk.ownMlflow" -}}
{{- if not .Values.mlflow.externalUri }}
{{- if not .Values.mlflow.enabled }}
{{- fail "mlflow.enabled is false: set mlflow.externalUri to the URI of your MLflow" }}
{{- end }}true
{{- end }}
{{- end }}

{{/* Where runs and models are recorded, unless mltk.yaml names another place. */}}
{{- define "mltk.trackingUri" -}}
{{- .Values.mlflow.externalUri | default (printf "http://mltk-mlflow.%s.svc:5000" .Release.Namespace) }}
{{- end }}

{{/* Egress to any name server. */}}
{{- define "mltk.egressDns" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{/* Egress to addresses. Call with (dict "cidr" CIDR "ports" LIST). */}}
{{- define "mltk.egressTo" -}}
- to:
    - ipBlock:
        cidr: {{ .cidr }}
  ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}

{{/*
Names that MLflow answers to; it refuses others, against DNS rebinding. Those of the Service, that
of a forwarded port, and the private addresses that MLflow allows by itself.
*/}}
{{- define "mltk.allowedHosts" -}}
{{- $service := printf "mltk-mlflow.%s" .Release.Namespace }}
{{- $names := list "mltk-mlflow" $service (printf "%s.svc" $service) (printf "%s.svc.*" $service) }}
{{- $hosts := list }}
{{- range $name := concat $names (list "localhost" "127.0.0.1") }}
{{- $hosts = concat $hosts (list $name (printf "%s:*" $name)) }}
{{- end }}
{{- $private := list "10.*" "192.168.*" "172.1[6-9].*" "172.2?.*" "172.3[01].*" }}
{{- concat $hosts $private .Values.mlflow.allowedHosts | join "," }}
{{- end }}

{{/* Environment of MLflow and of what migrates its database. */}}
{{- define "mltk.mlflowEnv" -}}
- name: MLFLOW_BACKEND_STORE_URI
  {{- if eq .Values.mlflow.backend "postgresql" }}
  valueFrom:
    secretKeyRef:
      name: {{ required "mlflow.backend is postgresql: set mlflow.postgresql.existingSecret" .Values.mlflow.postgresql.existingSecret }}
      key: {{ .Values.mlflow.postgresql.key }}
  {{- else }}
  value: sqlite:////mlflow/mlflow.db
  {{- end }}
- name: MLFLOW_DISABLE_TELEMETRY
  value: "true"
# Its jobs judge language models; nothing here asks for them.
- name: MLFLOW_SERVER_ENABLE_JOB_EXECUTION
  value: "false"
{{ include "mltk.home" . }}
{{- end }}

{{/* Egress to the MLflow of this release, or to the port of the external one. */}}
{{- define "mltk.egressToMlflow" -}}
{{- if include "mltk.ownMlflow" . -}}
- to:
    - podSelector:
        matchLabels: {{- include "mltk.selector" (dict "root" . "component" "mltk-mlflow") | nindent 10 }}
  ports:
    - {port: 5000, protocol: TCP}
{{- else -}}
{{- $uri := urlParse .Values.mlflow.externalUri }}
{{- $port := regexFind ":[0-9]+$" $uri.host | trimPrefix ":" | default (ternary 443 80 (eq $uri.scheme "https")) }}
{{- include "mltk.egressTo" (dict "cidr" .Values.networkPolicy.tracking.cidr "ports" (list (int $port))) }}
{{- end }}
{{- end }}

{{/* Binds the Role `name` to the ServiceAccount `name`. Call with (dict "root" $ "name" NAME). */}}
{{- define "mltk.ownBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels: {{- include "mltk.labels" (dict "root" .root "component" .name) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - {kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
{{- end }}

{{/* What the containers of `helm test` have in common. */}}
{{- define "mltk.testContainer" -}}
image: {{ .Values.image | quote }}
env: {{- include "mltk.home" . | nindent 2 }}
securityContext: {{- include "mltk.containerSecurity" . | nindent 2 }}
resources:
  requests: {cpu: 50m, memory: 128Mi}
volumeMounts:
  - {name: home, mountPath: /tekton/home}
{{- end }}
