package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

var (
	gitlabStatus = regexp.MustCompile(`^/api/v4/projects/([^/]+)/statuses/([^/]+)$`)
	gitlabNotes  = regexp.MustCompile(`^/api/v4/projects/([^/]+)/merge_requests/(\d+)/notes(?:/(\d+))?$`)
)

// Those that https://docs.gitlab.com/api/commits/#set-commit-pipeline-status lists.
var gitlabStates = []gitlab.BuildStateValue{
	gitlab.Pending, gitlab.Running, gitlab.Success, gitlab.Failed, gitlab.Canceled, gitlab.Skipped,
}

func gitlabAgain(asked request, wire *recorder) error {
	wire.answer = "{}"
	client, err := gitlab.NewClient(
		"token",
		gitlab.WithBaseURL("http://gitlab.invalid"),
		gitlab.WithHTTPClient(&http.Client{Transport: wire}),
		gitlab.WithCustomLimiter(unlimited{}),
		gitlab.WithoutRetries(),
	)
	if err != nil {
		return err
	}
	if found := gitlabStatus.FindStringSubmatch(asked.Path); found != nil {
		return gitlabSetStatus(client, asked, found)
	}
	if found := gitlabNotes.FindStringSubmatch(asked.Path); found != nil {
		return gitlabNote(client, asked, found, wire)
	}
	return fmt.Errorf("the client has no %s %s", asked.Method, asked.Path)
}

func gitlabSetStatus(client *gitlab.Client, asked request, found []string) error {
	project, err := url.PathUnescape(found[1])
	if err != nil {
		return err
	}
	var options gitlab.SetCommitStatusOptions
	if err := strictly(asked.Body, &options); err != nil {
		return err
	}
	if !slices.Contains(gitlabStates, options.State) {
		return fmt.Errorf("state does not have the value %q", options.State)
	}
	_, _, err = client.Commits.SetCommitStatus(project, found[2], &options)
	return err
}

func gitlabNote(client *gitlab.Client, asked request, found []string, wire *recorder) error {
	project, err := url.PathUnescape(found[1])
	if err != nil {
		return err
	}
	number, _ := strconv.ParseInt(found[2], 10, 64)
	note, _ := strconv.ParseInt(found[3], 10, 64)
	switch one := note != 0; {
	case asked.Method == http.MethodGet && !one:
		wire.answer = "[]"
		options, err := gitlabList(asked.Query)
		if err != nil {
			return err
		}
		_, _, err = client.Notes.ListMergeRequestNotes(project, number, options)
		return err
	case asked.Method == http.MethodPost && !one:
		var options gitlab.CreateMergeRequestNoteOptions
		if err := strictly(asked.Body, &options); err != nil {
			return err
		}
		_, _, err = client.Notes.CreateMergeRequestNote(project, number, &options)
		return err
	case asked.Method == http.MethodPut && one:
		var options gitlab.UpdateMergeRequestNoteOptions
		if err := strictly(asked.Body, &options); err != nil {
			return err
		}
		_, _, err = client.Notes.UpdateMergeRequestNote(project, number, note, &options)
		return err
	case asked.Method == http.MethodDelete && one:
		_, err = client.Notes.DeleteMergeRequestNote(project, number, note)
		return err
	}
	return fmt.Errorf("the client has no %s %s", asked.Method, asked.Path)
}

// The values are those of https://docs.gitlab.com/api/notes/#list-all-merge-request-notes.
func gitlabList(query url.Values) (*gitlab.ListMergeRequestNotesOptions, error) {
	options := &gitlab.ListMergeRequestNotesOptions{}
	values := map[string][]string{
		"sort": {"asc", "desc"}, "order_by": {"created_at", "updated_at"}, "page": nil, "per_page": nil,
	}
	for name, given := range query {
		allowed, known := values[name]
		if !known || len(given) != 1 || (allowed != nil && !slices.Contains(allowed, given[0])) {
			return nil, fmt.Errorf("%s=%s is no parameter of a list", name, strings.Join(given, ","))
		}
	}
	for name, into := range map[string]*int64{"page": &options.Page, "per_page": &options.PerPage} {
		if query.Has(name) {
			found, err := strconv.ParseInt(query.Get(name), 10, 64)
			if err != nil || found < 1 || (name == "per_page" && found > 100) {
				return nil, fmt.Errorf("%s=%s is out of bounds", name, query.Get(name))
			}
			*into = found
		}
	}
	if query.Has("sort") {
		options.Sort = gitlab.Ptr(query.Get("sort"))
	}
	if query.Has("order_by") {
		options.OrderBy = gitlab.Ptr(query.Get("order_by"))
	}
	return options, nil
}

type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }
