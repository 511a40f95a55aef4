package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/jenkins-x/go-scm/scm"
	"github.com/jenkins-x/go-scm/scm/driver/stash"
)

var stashComments = regexp.MustCompile(
	`^/rest/api/1\.0/projects/([^/]+)/repos/([^/]+)/pull-requests/(\d+)/comments(?:/(\d+))?$`)

// The client reads a comment before it changes it, because it needs its version.
func stashAgain(asked request, wire *recorder) error {
	found := stashComments.FindStringSubmatch(asked.Path)
	if found == nil {
		return fmt.Errorf("the client has no %s %s", asked.Method, asked.Path)
	}
	client, err := stash.New("http://bitbucket.invalid")
	if err != nil {
		return err
	}
	client.Client = &http.Client{Transport: wire}
	var comment struct {
		Text    string `json:"text"`
		Version *int   `json:"version,omitempty"`
	}
	if err := strictly(asked.Body, &comment); err != nil {
		return err
	}
	version, _ := strconv.Atoi(asked.Query.Get("version"))
	if comment.Version != nil {
		version = *comment.Version
	}
	pull, _ := strconv.Atoi(found[3])
	id, _ := strconv.Atoi(found[4])
	held, _ := json.Marshal(map[string]any{"id": id, "version": version, "text": "as it was"})
	wire.answer = string(held)
	repository, input := found[1]+"/"+found[2], &scm.CommentInput{Body: comment.Text}
	switch one := found[4] != ""; {
	case asked.Method == http.MethodPost && !one:
		wire.without = []string{"version"} // which a comment does not have yet
		_, _, err = client.PullRequests.CreateComment(context.Background(), repository, pull, input)
	case asked.Method == http.MethodGet && one:
		_, _, err = client.PullRequests.FindComment(context.Background(), repository, pull, id)
	case asked.Method == http.MethodPut && one:
		_, _, err = client.PullRequests.EditComment(context.Background(), repository, pull, id, input)
	case asked.Method == http.MethodDelete && one:
		_, err = client.PullRequests.DeleteComment(context.Background(), repository, pull, id)
	default:
		return fmt.Errorf("the client has no %s %s", asked.Method, asked.Path)
	}
	return err
}
