package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
)

// A GitHub with one organization, whose repositories are all alike.
type github struct {
	Members       []string `json:"members"`
	Collaborators []string `json:"writers"`
	Owners        *string  `json:"owners"`
	Files         []string `json:"files"`
}

func (g *github) RoundTrip(asked *http.Request) (*http.Response, error) {
	got := httptest.NewRecorder()
	path := strings.TrimPrefix(asked.URL.Path, "/api/v3")
	switch {
	case path == "/orgs/org/public_members":
		say(got, each("login", g.Members))
	case strings.HasSuffix(path, "/collaborators"):
		say(got, each("login", g.Collaborators))
	case strings.HasSuffix(path, "/files"):
		say(got, each("filename", g.Files))
	case strings.HasSuffix(path, "/contents/OWNERS") && g.Owners != nil:
		content := base64.StdEncoding.EncodeToString([]byte(*g.Owners))
		say(got, map[string]string{"type": "file", "encoding": "base64", "content": content})
	default:
		got.WriteHeader(http.StatusNotFound)
		got.WriteString("{}")
	}
	answer := got.Result()
	answer.Request = asked
	return answer, nil
}

func each(name string, values []string) []map[string]string {
	found := []map[string]string{}
	for _, value := range values {
		found = append(found, map[string]string{name: value})
	}
	return found
}

func say(to http.ResponseWriter, what any) {
	to.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(to).Encode(what); err != nil {
		panic(err)
	}
}
