"""The Helm chart, rendered as `helm install` would."""
