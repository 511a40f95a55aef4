// The program answers, a line for a line, what is wrong with a request to a git host: it makes the
// same request with a client that others publish, and says where the two differ.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
)

type request struct {
	Kind   string          `json:"kind,omitempty"`
	Method string          `json:"method"`
	Path   string          `json:"path"` // as it was sent, with its escapes
	Query  url.Values      `json:"query,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

type verdict struct {
	Wrong string `json:"wrong"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			err = judge(asked)
		}
		said := verdict{}
		if err != nil {
			said.Wrong = err.Error()
		}
		if err := out.Encode(said); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func judge(asked request) error {
	again := map[string]func(request, *recorder) error{"gitlab": gitlabAgain, "bitbucket": stashAgain}
	wire := &recorder{}
	if err := again[asked.Kind](asked, wire); err != nil {
		return err
	}
	if wire.last == nil {
		return fmt.Errorf("the client sends nothing for %s %s", asked.Method, asked.Path)
	}
	return differing(asked, *wire.last, wire.without)
}

// What the client says and need not is in `without`.
func differing(asked, theirs request, without []string) error {
	switch {
	case asked.Method != theirs.Method || asked.Path != theirs.Path:
		return fmt.Errorf("the client sends %s %s", theirs.Method, theirs.Path)
	case asked.Query.Encode() != theirs.Query.Encode():
		return fmt.Errorf("the client's query is %q, not %q", theirs.Query.Encode(), asked.Query.Encode())
	}
	var one, other any
	if err := json.Unmarshal(orNull(asked.Body), &one); err != nil {
		return err
	}
	if err := json.Unmarshal(orNull(theirs.Body), &other); err != nil {
		return err
	}
	for _, name := range without {
		if fields, ok := other.(map[string]any); ok {
			delete(fields, name)
		}
	}
	if !reflect.DeepEqual(one, other) {
		return fmt.Errorf("the client's body is %s, not %s", orNull(theirs.Body), orNull(asked.Body))
	}
	return nil
}

func orNull(body []byte) []byte {
	if len(bytes.TrimSpace(body)) == 0 {
		return []byte("null")
	}
	return body
}

// What a field of the client does not take is an error.
func strictly(body []byte, into any) error {
	reader := json.NewDecoder(bytes.NewReader(orNull(body)))
	reader.DisallowUnknownFields()
	return reader.Decode(into)
}

// A recorder keeps the last request and answers each with the same.
type recorder struct {
	last    *request
	answer  string
	without []string
}

func (wire *recorder) RoundTrip(sent *http.Request) (*http.Response, error) {
	found := request{Method: sent.Method, Path: sent.URL.EscapedPath(), Query: sent.URL.Query()}
	if sent.Body != nil {
		body, err := io.ReadAll(sent.Body)
		if err != nil {
			return nil, err
		}
		found.Body = body
	}
	wire.last = &found
	code := http.StatusOK
	if sent.Method == http.MethodDelete {
		code = http.StatusNoContent
	}
	return &http.Response{
		StatusCode: code,
		Status:     http.StatusText(code),
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(wire.answer)),
		Request:    sent,
	}, nil
}
