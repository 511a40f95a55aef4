// What GitLab's own Go client, and go-scm for Bitbucket Server, send for what mltk asks.
module mltk.invalid/forges/clients

go 1.26.4

require (
	github.com/jenkins-x/go-scm v1.15.31
	gitlab.com/gitlab-org/api/client-go/v2 v2.64.0
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
